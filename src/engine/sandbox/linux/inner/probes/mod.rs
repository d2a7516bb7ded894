//! Escape attempts, made by a copy of the inner stage behind the final restrictions.

mod control;
mod files;
mod kernel;
mod mounts;
mod network;
mod outcome;
mod persistence;
mod privileges;
mod processes;
mod sockets;
mod sys;
mod terminal;
mod writing;

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::PathBuf,
};

use nix::{
    sys::wait::{WaitStatus, waitpid},
    unistd::alarm,
};
use seccompiler::BpfProgram;
use serde::{Deserialize, Serialize};

use super::{Failure, OrFail, checks};
use crate::engine::sandbox::{
    linux::{
        canary::targets::Targets,
        wire::{Landlock, Orders},
    },
    probes::{Case, Group, Layer, Numbered, Outcome},
    sys as calls,
};

pub use control::{WORD as CONTROL, main as control};

/// Seconds that all attempts together may take; the kernel ends a copy that hangs.
const PATIENCE: u32 = 15;

/// Which attempts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Battery {
    /// Those of every start.
    Start,
    /// All.
    Full,
}

/// What the attempts are told: the same with a sandbox around them and without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aim {
    /// The project.
    pub project: PathBuf,
    /// The private home; its `.cache` takes what an attempt must write somewhere.
    pub home: PathBuf,
    /// Folders of the project that cannot be renamed.
    pub pins: Vec<PathBuf>,
    /// Read-only paths within the project.
    pub protected: Vec<PathBuf>,
    /// What the host planted.
    pub targets: Targets,
    /// Which attempts are made.
    pub battery: Battery,
    /// Whether a sandbox is around them. Without one, attempts that would change the machine by
    /// succeeding (load a kernel module) are left out.
    pub sandboxed: bool,
}

/// What an attempt has at hand.
struct Ground<'a> {
    aim: &'a Aim,
    targets: &'a Targets,
    /// A folder of the attempts' own, writable.
    scratch: PathBuf,
    /// The descriptor that carries the result; no attempt's business.
    result: i32,
}

impl Ground<'_> {
    /// A name in the project that nobody else has: sandboxes of one project may prove themselves at
    /// the same time.
    fn in_project(&self, word: &str) -> PathBuf {
        self.aim.project.join(format!(".lcc-attempt-{word}-{}", self.targets.text))
    }
}

/// An attempt of the list with the function that makes it.
struct Probe {
    case: Case,
    make: fn(&Ground<'_>) -> Outcome,
}

impl Probe {
    /// Made by `lcc sandbox check` alone: it costs time, or writes into the project.
    const fn in_check_only(mut self) -> Self {
        self.case.at_start = false;
        self
    }

    /// Not promised by a tier without namespaces.
    const fn strict_only(mut self) -> Self {
        self.case.strict_only = true;
        self
    }
}

/// A line of a table. The group is the table's.
const fn probe(
    group: Group,
    number: u16,
    layer: Layer,
    name: &'static str,
    tries: &'static str,
    make: fn(&Ground<'_>) -> Outcome,
) -> Probe {
    let case = Case { number, name, tries, group, layer, at_start: true, strict_only: false };
    Probe { case, make }
}

fn all() -> impl Iterator<Item = &'static Probe> {
    [
        files::TABLE,
        writing::TABLE,
        persistence::TABLE,
        mounts::TABLE,
        kernel::TABLE,
        processes::TABLE,
        privileges::TABLE,
        network::TABLE,
        sockets::TABLE,
        terminal::TABLE,
    ]
    .into_iter()
    .flatten()
}

fn chosen(battery: Battery) -> impl Iterator<Item = &'static Probe> {
    all().filter(move |probe| match battery {
        Battery::Start => probe.case.at_start,
        Battery::Full => true,
    })
}

/// The list of attempts, in the order of their numbers.
#[must_use]
pub fn cases(battery: Battery) -> Vec<Case> {
    let mut cases: Vec<Case> = chosen(battery).map(|probe| probe.case).collect();
    cases.sort_by_key(|case| case.number);
    cases
}

/// Makes every attempt in a forked copy that restricts itself as the program will be.
pub(super) fn run(
    orders: &Orders,
    filters: &[BpfProgram],
) -> Result<(Vec<Numbered>, Landlock), Failure> {
    forked(&orders.aim(), |keep| {
        close_all_but(&[keep])?;
        super::restrict(orders, filters)
    })
}

/// Makes every attempt of the list in a forked copy, once `confine` has restricted it. That gets
/// the descriptor which must stay open.
pub(in crate::engine::sandbox::linux) fn forked<T: Serialize + serde::de::DeserializeOwned>(
    aim: &Aim,
    confine: impl FnOnce(i32) -> Result<T, Failure>,
) -> Result<(Vec<Numbered>, T), Failure> {
    let (reader, writer) = nix::unistd::pipe().or_fail("probes")?;
    let child =
        calls::fork(|| i32::from(in_copy(aim, &writer, confine).is_err())).or_fail("probes")?;
    drop(writer);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).or_fail("probes")?;
    let end = waitpid(child, None).or_fail("probes")?;
    if let WaitStatus::Signaled(_, signal, _) = end {
        let detail = format!("the attempts were ended by {signal}");
        return Err(Failure { stage: "probes", detail });
    }
    let told: Result<(Vec<Numbered>, T), String> = serde_json::from_str(&text).or_fail("probes")?;
    told.map_err(|detail| Failure { stage: "restrictions", detail })
}

fn in_copy<T: Serialize>(
    aim: &Aim,
    writer: &OwnedFd,
    confine: impl FnOnce(i32) -> Result<T, Failure>,
) -> io::Result<()> {
    let mut writer = File::from(writer.try_clone()?);
    alarm::set(PATIENCE);
    let told = match confine(writer.as_raw_fd()) {
        Ok(restricted) => Ok((make(aim, writer.as_raw_fd()), restricted)),
        Err(failure) => Err(format!("{}: {}", failure.stage, failure.detail)),
    };
    writer.write_all(&serde_json::to_vec(&told)?)
}

/// Makes the attempts here and now; `result` is a descriptor to leave alone.
fn make(aim: &Aim, result: i32) -> Vec<Numbered> {
    let scratch = aim.home.join(".cache").join(format!(".lcc-attempts-{}", aim.targets.text));
    let ready = fs::create_dir(&scratch);
    let ground = Ground { aim, targets: &aim.targets, scratch, result };
    let outcomes = chosen(aim.battery)
        .map(|probe| {
            let outcome = match &ready {
                Ok(()) => (probe.make)(&ground),
                Err(error) => Outcome::could_not_run(format!(
                    "no folder to work in: {}: {error}",
                    ground.scratch.display()
                )),
            };
            Numbered { number: probe.case.number, outcome: outcome::short(outcome) }
        })
        .collect();
    // It lies in the private home; what an attempt left in it goes with it.
    let _left_over = fs::remove_dir_all(&ground.scratch);
    outcomes
}

/// The file whose lock a process holds that was left behind.
#[must_use]
pub fn survivor(home: &std::path::Path, text: &str) -> PathBuf {
    home.join(".cache").join(format!(".lcc-survivor-{text}"))
}

/// Closes what the program will not have either, but for these, the pipe that carries the result
/// among them.
pub(in crate::engine::sandbox::linux) fn close_all_but(keep: &[i32]) -> Result<(), Failure> {
    for fd in checks::open_descriptors()?.into_iter().filter(|fd| *fd > 2 && !keep.contains(fd)) {
        // This copy never uses the others again; dropping the owner closes it.
        drop(calls::adopt(fd).or_fail("descriptors")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_attempt_has_a_number_a_name_and_a_sentence_of_its_own() {
        let cases = cases(Battery::Full);
        let numbers: BTreeSet<u16> = cases.iter().map(|case| case.number).collect();
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
        assert_eq!(numbers.len(), cases.len(), "a number is there twice");
        assert_eq!(names.len(), cases.len(), "a name is there twice");
        assert!(cases.len() >= 80, "{} attempts", cases.len());
        for case in &cases {
            assert!(case.tries.ends_with('.') && !case.name.ends_with('.'), "{}", case.number);
            assert!(!case.name.contains('|') && !case.tries.contains('|'), "{}", case.number);
        }
        let groups: Vec<Group> = cases.iter().map(|case| case.group).collect();
        assert!(groups.is_sorted(), "numbers go by group");
    }

    #[test]
    fn a_start_makes_most_of_them() {
        let start = cases(Battery::Start);
        assert!(start.len() >= 80, "{} at the start", start.len());
        assert!(start.iter().all(|case| cases(Battery::Full).contains(case)));
    }
}
