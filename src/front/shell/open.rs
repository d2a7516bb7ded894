//! Opens what the user said yes to, with the system's own opener.

use std::process::{Command, Stdio};

use crate::front::terminal::LinkWay;

/// The system's opener.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Starts the opener and leaves it alone. The error says in words what the user can do.
pub(super) fn open(what: &LinkWay) -> Result<(), String> {
    let target = match what {
        LinkWay::Web(address) => address.clone(),
        LinkWay::File(path) => {
            // The path was judged by its words; links on the way are seen only here.
            let real = path.canonicalize().map_err(|e| format!("{}: {e}", path.display()))?;
            if real != *path || !real.is_file() {
                return Err(format!("{}: not opened, it leads elsewhere", path.display()));
            }
            real.display().to_string()
        }
        LinkWay::Refused(why) => return Err(format!("not opened: {why}")),
    };
    let child = Command::new(OPENER)
        .arg(&target)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(mut child) => {
            // Somebody has to hear of its end.
            let thread = std::thread::Builder::new().name("opener".into());
            let spawned = thread.spawn(move || match child.wait() {
                Ok(status) => tracing::debug!(%status, "the opener ended"),
                Err(error) => tracing::debug!(%error, "the opener's end"),
            });
            drop(spawned);
            Ok(())
        }
        Err(error) => Err(format!("{OPENER}: {error}; the address is {target}")),
    }
}
