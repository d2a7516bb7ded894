//! lcc's own log: a file of the user's choice by `LCC_LOG`, never the screen.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, sync::Mutex};

use tracing_subscriber::EnvFilter;

/// Starts logging to the file named by `LCC_LOG` (mode 0600, appended), at the level of
/// `LCC_LOG_LEVEL` (default `info`). Without `LCC_LOG` nothing is written anywhere.
pub fn start() {
    let Some(path) = std::env::var_os("LCC_LOG").filter(|p| !p.is_empty()) else { return };
    let file = match OpenOptions::new().create(true).append(true).mode(0o600).open(&path) {
        Ok(file) => file,
        Err(e) => {
            eprintln!("lcc: LCC_LOG={}: {e}; nothing is logged", path.display());
            return;
        }
    };
    let filter =
        EnvFilter::try_from_env("LCC_LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .init();
}
