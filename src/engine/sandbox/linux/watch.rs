//! The look at a sandbox while its program runs: cheap, from outside, and without its help.

mod facts;

use std::collections::BTreeSet;

use super::canary::Canary;
use facts::{Facts, Inside};

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Processes of the sandbox that were looked at; none once it has ended.
    pub processes: u64,
    /// The sandbox does not hold any more: the program must end.
    pub alarms: Vec<String>,
    /// What the user should know of at once.
    pub warnings: Vec<String>,
}

/// Watches one sandbox.
#[derive(Debug)]
pub struct Watch {
    canary: Canary,
    program: i32,
    begin: Result<Facts, String>,
    /// Warnings that were given already: a changed file stays changed.
    told: BTreeSet<String>,
}

impl Watch {
    /// Begins with the program started; what holds now must hold until the end.
    #[must_use]
    pub fn begin(canary: Canary, program: i32) -> Self {
        let begin = Facts::gather(program).map_err(|error| error.to_string());
        Self { canary, program, begin, told: BTreeSet::new() }
    }

    /// Looks at the network, the mounts and the rights of every process inside, and at the canaries.
    pub fn look(&mut self) -> Look {
        let mut look = match &self.begin {
            Ok(begin) => compare(begin, &facts::inside(begin.init), self.mounts()),
            Err(error) => Look {
                alarms: vec![format!("the sandbox could not be looked at from outside: {error}")],
                ..Look::default()
            },
        };
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
fn compare(begin: &Facts, inside: &[Inside], mounts: Option<Vec<String>>) -> Look {
    let mut look = Look { processes: inside.len() as u64, ..Look::default() };
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
        assert_eq!(look, Look { processes: 2, ..Look::default() });
        assert_eq!(compare(&begin(), &[], None), Look::default());
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
            let look = compare(&begin(), &[process.clone()], None);
            assert_eq!(look.alarms.len(), 1, "{process:?}");
            assert!(look.alarms[0].starts_with("node (process 8) "), "{look:?}");
        }
    }

    #[test]
    fn mounts_that_come_and_go_are_told() {
        let now = vec!["/ ro".to_owned(), "/work rw".to_owned(), "/work/usb rw".to_owned()];
        let look = compare(&begin(), &[], Some(now));
        assert_eq!(look.warnings, ["new mount inside: /work/usb rw"]);
        let look = compare(&begin(), &[], Some(vec!["/ rw".to_owned(), "/work rw".to_owned()]));
        assert_eq!(look.warnings, ["new mount inside: / rw", "mount gone inside: / ro"]);
    }
}
