//! What front and engine say to each other: plain values, nothing that runs.

mod cache_break;
mod command;
mod log;
mod recheck;
mod sandbox;
mod side;
mod snapshot;
mod story;
mod update;

pub use cache_break::{BreakKind, CacheBreak};
pub use command::{Command, CompactWhen};
pub use log::{LogFold, LogLine, LogOrigin, LogWeight};
pub use recheck::RecheckFigures;
pub use sandbox::{EgressFigures, LimitFigures, SandboxFigures};
pub use side::{AgentFigures, AgentState, AgentsFigures, SideFigures};
pub use snapshot::{
    CacheFigures, CompactionFigures, CompactionLast, FixedFigures, ForecastFigures, NoiseFigures,
    PrefillFigures, PrefillKept, PrefillLast, PutOff, ServerFigures, Snapshot, ThinkingFigures,
    TimeFigures, WarmFigures, WarmReading, WayOut, WindowFigures,
};
pub use story::{PromptFigures, PromptPart, PromptSection, ToolCount, TurnFigures, TurnState};
pub use update::{Handover, Notice, NoticeLevel, Update};
