//! The negative control: every attempt without a sandbox, on throw-away targets.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Checked, Yard};
use crate::{
    domain::Tier,
    engine::sandbox::{
        linux::{
            canary::{Canary, Ground},
            inner::{Aim, Battery, CONTROL, cases, survivor},
        },
        probes::{Numbered, judge},
    },
};

/// Makes every attempt as an ordinary process of this user. All of it happens below `folder`,
/// which exists; the user's own files, keys and settings are not touched.
///
/// # Errors
/// When the attempts cannot be made at all.
pub fn control(lcc: &Path, folder: &Path) -> io::Result<Checked> {
    let begin = Instant::now();
    let yard = Yard::make(folder)?;
    let places = yard.make_system()?;
    let ground = Ground { home: &yard.home, project: &yard.project, lcc: Some(lcc) };
    let canary = Canary::plant(ground)?;
    let targets = canary.targets(places.clone())?;
    wait_for(targets.process);
    let lock = survivor(&yard.home, &targets.text);
    let aim = Aim {
        project: yard.project.clone(),
        home: yard.home.clone(),
        pins: vec![yard.project.join(".git"), yard.project.join(".claude")],
        protected: vec![yard.project.join(".git/config"), yard.project.join(".git/hooks")],
        targets,
        battery: Battery::Full,
        sandboxed: false,
    };
    let mut child = Command::new(lcc)
        .arg(CONTROL)
        .env_clear()
        .env("HOME", &places.user_home)
        .env("PATH", format!("{}:/usr/bin:/bin", yard.system.join("bin").display()))
        .env("SSH_AUTH_SOCK", yard.system.join("agent"))
        .current_dir(&yard.project)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut orders) = child.stdin.take() {
        orders.write_all(&serde_json::to_vec(&aim)?)?;
    }
    let output = child.wait_with_output()?;
    end_survivor(&lock);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("{}: {}", output.status, said.trim())));
    }
    let outcomes: Vec<Numbered> = serde_json::from_slice(&output.stdout)?;
    let report = judge(&cases(Battery::Full), &outcomes, canary.touched(), Tier::Off);
    Ok(Checked { report, notes: Vec::new(), took: begin.elapsed() })
}

/// Until the planted process is the program that has the secret in its environment.
fn wait_for(process: Option<i32>) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let Some(pid) = process else { return };
    let end = Instant::now() + PATIENCE;
    // Between fork and exec it has lcc's own environment, which is larger.
    while Instant::now() < end
        && !fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|text| text.starts_with(b"LCC_CANARY="))
    {
        std::thread::yield_now();
    }
}

/// Ends the process that the attempts left behind. Its lock proves that it is that one still.
fn end_survivor(lock: &Path) {
    let held = fs::File::open(lock).is_ok_and(|file| file.try_lock().is_err());
    let pid = fs::read_to_string(lock).ok().and_then(|text| text.trim().parse().ok());
    if let (true, Some(pid)) = (held, pid) {
        let _ended_meanwhile = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
