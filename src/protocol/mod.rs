//! What front and engine say to each other: plain values, nothing that runs.

mod command;
mod log;
mod snapshot;
mod update;

pub use command::{Command, CompactWhen};
pub use log::{LogFold, LogLine, LogOrigin, LogWeight};
pub use snapshot::{
    CacheBreak, CacheFigures, ForecastFigures, NoiseFigures, PrefillFigures, PrefillKept,
    PrefillLast, PutOff, SandboxFigures, ServerFigures, Snapshot, ThinkingFigures, TimeFigures,
    WindowFigures,
};
pub use update::{Notice, NoticeLevel, Update};
