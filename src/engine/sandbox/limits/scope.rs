//! A scope of the user's systemd, where there is one: it owns the control group.

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Limits;

/// systemd's command for its bus, at its usual place: a search path could be anybody's.
const BUSCTL: &str = "/usr/bin/busctl";

/// Whether this user has a systemd to ask.
#[must_use]
pub fn available() -> bool {
    Path::new(BUSCTL).exists() && bus().is_some()
}

fn bus() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("XDG_RUNTIME_DIR")?);
    let bus = folder.join("bus");
    (folder.is_absolute() && bus.exists()).then_some(bus)
}

/// Puts processes into a new scope with these caps; the folder of its control group.
///
/// # Errors
/// What systemd said, or that the processes are not where it was to put them.
pub fn make(limits: Limits, name: &str, pids: &BTreeSet<u32>) -> io::Result<PathBuf> {
    let output =
        Command::new(BUSCTL).args(words(limits, name, pids)).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(io::Error::other(said));
    }
    // The answer is the job's number; that it is done shows at the processes.
    let first = pids.first().copied().unwrap_or_default();
    for _ in 0..100 {
        let listed = fs::read_to_string(format!("/proc/{first}/cgroup"))?;
        if let Some(path) = listed.lines().find_map(|line| line.strip_prefix("0::/"))
            && path.ends_with(&format!("{name}.scope"))
        {
            return Ok(Path::new("/sys/fs/cgroup").join(path));
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err(io::Error::other("systemd took the order and did not move the processes"))
}

/// The call of `StartTransientUnit` (org.freedesktop.systemd1.Manager), in busctl's notation.
fn words(limits: Limits, name: &str, pids: &BTreeSet<u32>) -> Vec<String> {
    let mut words: Vec<String> = [
        "--user",
        "call",
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "StartTransientUnit",
        "ssa(sv)a(sa(sv))",
    ]
    .map(str::to_owned)
    .into();
    words.extend([format!("{name}.scope"), "fail".to_owned()]);
    let mut properties: Vec<Vec<String>> = Vec::new();
    let mut list = vec!["PIDs".to_owned(), "au".to_owned(), pids.len().to_string()];
    list.extend(pids.iter().map(u32::to_string));
    properties.push(list);
    let mut cap = |name: &str, value: u64| {
        if value > 0 {
            properties.push(vec![name.to_owned(), "t".to_owned(), value.to_string()]);
        }
    };
    cap("MemoryMax", limits.memory);
    cap("TasksMax", limits.processes);
    if limits.memory > 0 {
        properties.push(["MemorySwapMax", "t", "0"].map(str::to_owned).into());
    }
    words.push(properties.len().to_string());
    words.extend(properties.into_iter().flatten());
    // No further units.
    words.push("0".to_owned());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_names_processes_and_caps() {
        let limits = Limits { memory: 1 << 30, processes: 300, disk_free: 0 };
        let all = words(limits, "lcc-7", &BTreeSet::from([11, 12])).join(" ");
        assert!(
            all.ends_with(
                "ssa(sv)a(sa(sv)) lcc-7.scope fail 4 PIDs au 2 11 12 MemoryMax t 1073741824 \
                 TasksMax t 300 MemorySwapMax t 0 0"
            ),
            "{all}"
        );
        let none = Limits { memory: 0, processes: 0, disk_free: 0 };
        let all = words(none, "lcc-7", &BTreeSet::from([11])).join(" ");
        assert!(all.ends_with("lcc-7.scope fail 1 PIDs au 1 11 0"), "{all}");
    }
}
