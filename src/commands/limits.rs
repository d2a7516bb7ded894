//! The caps of a start: what the user set, and this machine.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::{
    config::Settings,
    engine::sandbox::limits::{self, Asked, Limits},
};

/// The caps by the settings and this machine's memory.
#[must_use]
pub fn limits(settings: &Settings) -> Limits {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    // Where the system does not tell, the least is assumed.
    let memory = System::new_with_specifics(kind).map_or(0, |system| system.total_memory());
    let asked = Asked {
        memory: settings.limits.memory,
        processes: settings.limits.processes,
        disk_free: settings.limits.disk_free,
    };
    limits::limits(asked, memory)
}
