//! Starting a model server with settings right for Claude Code, and keeping it alive.
//!
//! `plan`, `options`, `refused`, `machine`, `cause` and `unit` are pure; `gather` looks at the
//! machine, `group`, `health`, `log` and `supervise` carry out, `unit_file` writes the service.

mod cause;
mod gather;
mod group;
mod health;
mod log;
mod machine;
mod options;
mod plan;
mod refused;
mod report;
mod supervise;
mod unit;
mod unit_file;

use std::path::PathBuf;

pub use cause::{Cause, Exit, likely};
pub use gather::{GatherError, Places, gather};
pub use log::{Log, MOST_BYTES};
pub use machine::{Action, Input, Limits, Machine};
pub use options::Options;
pub use plan::{Facts, Plan, PlanError, Probe, USUAL_WINDOW, Wish, plan};
pub use report::Report;
pub use supervise::{Supervised, Supervision, supervise};
pub use unit::{MARKER, Manager, UnitError, text as unit_text};
pub use unit_file::{
    UnitFileError, is_ours as unit_is_ours, path as unit_path, remove as remove_unit,
    write as write_unit,
};

/// A server that a session may start for itself.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// What to serve.
    pub wish: Wish,
    /// Where to look.
    pub places: Places,
    /// Whether it goes on when the session ends.
    pub keep: bool,
}

/// Why no start could be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Program or model are missing.
    #[error(transparent)]
    Gather(#[from] GatherError),
    /// The wish cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Looks at the machine and plans.
///
/// # Errors
/// [`PrepareError`] with the way out.
pub async fn prepare(wish: &Wish, places: &Places) -> Result<Plan, PrepareError> {
    let facts = gather(wish, places).await?;
    Ok(plan(wish, &facts)?)
}

impl ServeSettings {
    /// The log of the server.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.places.log()
    }
}
