//! Keeps what the looks at a running sandbox found.

use crate::{
    domain::{Moment, SandboxLook},
    protocol::RecheckFigures,
};

/// Sentences that are kept of each kind; more of them say nothing new.
const MOST: usize = 16;

/// The looks since Claude Code started.
#[derive(Debug, Clone, Default)]
pub(super) struct Recheck {
    last: Option<Moment>,
    figures: RecheckFigures,
}

impl Recheck {
    pub(super) fn started(&mut self) {
        *self = Self::default();
    }

    pub(super) fn looked(&mut self, look: &SandboxLook, at: Moment) {
        self.last = Some(at);
        self.figures.looks += 1;
        self.figures.processes = look.processes;
        keep(&mut self.figures.alarms, &look.alarms);
        keep(&mut self.figures.warnings, &look.warnings);
    }

    pub(super) fn figures(&self, now: Moment) -> RecheckFigures {
        let minutes_ago = self.last.map(|last| now.since(last).as_secs() / 60);
        RecheckFigures { minutes_ago, ..self.figures.clone() }
    }
}

fn keep(kept: &mut Vec<String>, new: &[String]) {
    for one in new {
        if kept.len() < MOST && !kept.contains(one) {
            kept.push(one.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_duration(Duration::from_secs(seconds))
    }

    #[test]
    fn looks_are_counted_and_what_they_found_stays() {
        let mut recheck = Recheck::default();
        assert_eq!(recheck.figures(at(9)), RecheckFigures::default());
        let found = SandboxLook {
            processes: 3,
            alarms: vec!["a".to_owned()],
            warnings: vec!["w".to_owned()],
        };
        recheck.looked(&found, at(10));
        recheck.looked(&SandboxLook { processes: 2, ..SandboxLook::default() }, at(300));
        recheck.looked(&SandboxLook { warnings: vec!["w".to_owned()], ..found }, at(310));
        let figures = recheck.figures(at(500));
        assert_eq!((figures.looks, figures.minutes_ago, figures.processes), (3, Some(3), 3));
        assert_eq!((figures.alarms.len(), figures.warnings.len()), (1, 1));
        recheck.started();
        assert_eq!(recheck.figures(at(500)), RecheckFigures::default());
    }

    #[test]
    fn a_flood_stays_small() {
        let mut recheck = Recheck::default();
        let warnings = (0..1000).map(|n| n.to_string()).collect();
        recheck.looked(&SandboxLook { warnings, ..SandboxLook::default() }, at(1));
        assert_eq!(recheck.figures(at(1)).warnings.len(), MOST);
    }
}
