//! The processes below one, and what they take.

use std::{collections::BTreeSet, fs, path::Path};

/// What a tree takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// Bytes that only it needs: anonymous and shared memory, and what of it is in swap. Pages of
    /// files are left out, which the kernel drops when it must.
    pub memory: u64,
    /// Processes.
    pub processes: u64,
}

/// The process and all below it, as far as they are there.
#[must_use]
pub fn below(root: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let Some(children) = children(pid) else { return by_parents(root) };
        open.extend(children.into_iter().filter(|child| found.insert(*child)));
    }
    found
}

/// The children of all threads, where the kernel lists them; `None` where it does not.
fn children(pid: u32) -> Option<Vec<u32>> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Some(Vec::new()) };
    let mut all = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(list) => {
                all.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            }
            // The thread ended, or this kernel keeps no such list.
            Err(_) if thread.path().join("stat").exists() => return None,
            Err(_) => {}
        }
    }
    Some(all)
}

/// The same by everybody's parent; slower.
fn by_parents(root: u32) -> BTreeSet<u32> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let parent = fs::read_to_string(entry.path().join("status"))
            .ok()
            .and_then(|status| number(&status, "PPid:"));
        pairs.extend(parent.and_then(|parent| u32::try_from(parent).ok()).map(|up| (pid, up)));
    }
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        for (pid, parent) in &pairs {
            if found.contains(parent) {
                found.insert(*pid);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// What these processes take; one that has ended takes nothing.
#[must_use]
pub fn used(pids: &BTreeSet<u32>) -> Use {
    let mut sum = Use::default();
    for pid in pids {
        if let Ok(status) =
            fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))
        {
            sum.memory += memory(&status);
            sum.processes += u64::from(!status.contains("State:\tZ"));
        }
    }
    sum
}

/// Bytes, from the text of `/proc/PID/status`, whose unit is KiB.
fn memory(status: &str) -> u64 {
    let kib = |name| number(status, name).unwrap_or_default();
    (kib("RssAnon:") + kib("RssShmem:") + kib("VmSwap:")) * 1_024
}

fn number(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn memory_is_what_no_file_can_give_back() {
        let status = "Name:\tx\nVmRSS:\t9000 kB\nRssAnon:\t 100 kB\nRssFile:\t8000 kB\n\
            RssShmem:\t20 kB\nVmSwap:\t3 kB\n";
        assert_eq!(memory(status), 123 * 1_024);
        assert_eq!(memory(""), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn both_ways_find_a_grandchild() {
        use std::io::{BufRead, BufReader};
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let sleep: u32 = line.trim().parse().unwrap();
        for found in [below(shell.id()), by_parents(shell.id())] {
            assert!(found.contains(&sleep) && found.contains(&shell.id()), "{found:?}");
            assert_eq!(used(&found).processes, 2);
        }
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(sleep.cast_signed()),
            nix::sys::signal::Signal::SIGKILL,
        );
        shell.wait().unwrap();
        assert_eq!(used(&BTreeSet::from([sleep, shell.id()])), Use::default());
    }
}
