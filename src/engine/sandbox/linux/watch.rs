//! The look at a sandbox while its program runs: cheap, from outside, and without its help.

mod facts;

use std::{collections::BTreeSet, path::PathBuf};

use super::canary::Canary;
use crate::domain::SandboxLook;
use facts::{Facts, Inside, Stamp};

/// Watches one sandbox.
#[derive(Debug)]
pub struct Watch {
    canary: Canary,
    program: i32,
    begin: Result<Facts, String>,
    protected: Vec<(PathBuf, Option<Stamp>)>,
    /// Warnings that were given already: a changed file stays changed.
    told: BTreeSet<String>,
}

impl Watch {
    /// Begins with the program started; what holds now must hold until the end.
    #[must_use]
    pub fn begin(canary: Canary, program: i32, protected: &[PathBuf]) -> Self {
        let begin = Facts::gather(program).map_err(|error| error.to_string());
        let protected = protected.iter().map(|path| (path.clone(), Stamp::of(path))).collect();
        Self { canary, program, begin, protected, told: BTreeSet::new() }
    }

    /// Looks at the network, the file view and the rights of every process inside, at the mounts,
    /// the protected files and the canaries.
    pub fn look(&mut self) -> SandboxLook {
        let mut look = match &self.begin {
            Ok(begin) => compare(begin, &facts::inside(begin.init), self.mounts()),
            // A program that had ended before it could be looked at has nothing left to hold.
            Err(_) if !facts::exists(self.program) => SandboxLook::default(),
            Err(error) => SandboxLook {
                alarms: vec![format!("the sandbox could not be looked at from outside: {error}")],
                ..SandboxLook::default()
            },
        };
        // Once all has ended, lcc itself takes its placeholders away.
        if look.processes > 0 {
            look.warnings.extend(self.protected.iter().filter_map(|(path, then)| {
                let changed = Stamp::of(path) != *then;
                changed.then(|| format!("{} changed while it is protected", path.display()))
            }));
        }
        look.warnings.extend(
            self.canary.touched().into_iter().map(|what| format!("a canary was touched: {what}")),
        );
        look.warnings.retain(|warning| self.told.insert(warning.clone()));
        look
    }

    fn mounts(&self) -> Option<Vec<String>> {
        facts::mounts(self.program).ok()
    }
}

/// Compares what is with what was; `mounts` is absent once the program has ended.
fn compare(begin: &Facts, inside: &[Inside], mounts: Option<Vec<String>>) -> SandboxLook {
    let mut look = SandboxLook { processes: inside.len() as u64, ..SandboxLook::default() };
    for process in inside {
        let who = format!("{} (process {})", process.name, process.pid);
        let rights = &process.rights;
        if !rights.no_new_privileges {
            look.alarms.push(format!("{who} could get new privileges"));
        }
        if rights.filters < begin.filters {
            let (now, then) = (rights.filters, begin.filters);
            look.alarms.push(format!("{who} has {now} seccomp filters instead of {then}"));
        }
        if rights.capabilities {
            look.alarms.push(format!("{who} has capabilities"));
        }
        for (what, now, then) in [
            ("network", process.network, begin.network),
            ("file view", process.view, begin.view),
            ("user numbers", process.users, begin.users),
        ] {
            // A process that hides its links from others of its user is the only one without.
            if now.is_some_and(|now| now != then) {
                look.alarms.push(format!("{who} is in another namespace ({what})"));
            }
        }
    }
    if let Some(now) = mounts {
        let (now, then): (BTreeSet<_>, BTreeSet<_>) =
            (now.into_iter().collect(), begin.mounts.iter().cloned().collect());
        look.warnings
            .extend(now.difference(&then).map(|mount| format!("new mount inside: {mount}")));
        look.warnings
            .extend(then.difference(&now).map(|mount| format!("mount gone inside: {mount}")));
    }
    look
}

#[cfg(test)]
mod tests {
    use super::{facts::Rights, *};

    fn begin() -> Facts {
        Facts {
            init: 7,
            filters: 3,
            network: 10,
            view: 20,
            users: 30,
            mounts: vec!["/ ro".to_owned(), "/work rw".to_owned()],
        }
    }

    fn process() -> Inside {
        Inside {
            pid: 8,
            name: "node".to_owned(),
            rights: Rights { no_new_privileges: true, filters: 3, capabilities: false },
            network: Some(10),
            view: Some(20),
            users: None,
        }
    }

    #[test]
    fn a_sandbox_as_it_was_gives_no_word() {
        let look = compare(&begin(), &[process(), process()], Some(begin().mounts));
        assert_eq!(look, SandboxLook { processes: 2, ..SandboxLook::default() });
        assert_eq!(compare(&begin(), &[], None), SandboxLook::default());
        let more = Rights { filters: 4, ..process().rights };
        let look = compare(&begin(), &[Inside { rights: more, ..process() }], None);
        assert!(look.alarms.is_empty(), "a program may add filters");
    }

    #[test]
    fn every_lost_layer_is_an_alarm() {
        let rights = || process().rights;
        let lost = [
            Inside { rights: Rights { no_new_privileges: false, ..rights() }, ..process() },
            Inside { rights: Rights { filters: 2, ..rights() }, ..process() },
            Inside { rights: Rights { capabilities: true, ..rights() }, ..process() },
            Inside { network: Some(11), ..process() },
            Inside { view: Some(21), ..process() },
            Inside { users: Some(31), ..process() },
        ];
        for process in lost {
            let look = compare(&begin(), std::slice::from_ref(&process), None);
            assert_eq!(look.alarms.len(), 1, "{process:?}");
            assert!(look.alarms[0].starts_with("node (process 8) "), "{look:?}");
        }
    }

    #[test]
    fn mounts_that_come_and_go_are_told() {
        let now = vec!["/ ro".to_owned(), "/work rw".to_owned(), "/srv/usb rw".to_owned()];
        let look = compare(&begin(), &[], Some(now));
        assert_eq!(look.warnings, ["new mount inside: /srv/usb rw"]);
        let look = compare(&begin(), &[], Some(vec!["/ rw".to_owned(), "/work rw".to_owned()]));
        assert_eq!(look.warnings, ["new mount inside: / rw", "mount gone inside: / ro"]);
    }
}
