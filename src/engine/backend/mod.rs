//! The model servers: one file per kind behind one small trait.
//!
//! A kind is pure: it names the paths it wants asked and reads the answers. Asking is done in
//! `http` and `identify`, following in `watch`.

mod child;
mod http;
mod identify;
mod kind;
mod listener;
mod llama;
mod llama_swap;
mod lm_studio;
mod log_place;
pub mod logs;
mod machine;
mod ollama;
mod openai_only;
mod prometheus;
mod sglang;
mod slots;
mod tail;
mod unknown;
mod vllm;
mod watch;

pub use identify::{CANDIDATES, IdentifyError, client, find, identify};
pub use listener::{children, process_on};
pub use log_place::LogPlace;
pub use slots::{SlotProgress, progress_of};
pub use watch::{WatchSettings, watch};
