//! `warm`: F5, and a new lcc after the server was restarted: how soon the first token comes, and
//! how much of the fixed prefix needs no reading.

use crate::{
    Options,
    report::{Bound, Section, keep, median},
    stage::{Pace, Session, Stage, Turn},
};

pub fn run(options: &Options, section: &mut Section) {
    let rounds = if options.quick { 2 } else { 5 };
    for version in &options.versions {
        if !options.lcc_only {
            let Some(stage) = Stage::set(options, version) else { return };
            let bare = again_bare(&stage);
            keep(&format!("warm-{version}-bare"), &stage.director.records());
            section.row(&[
                format!("{version}, bare: a second session, same server"),
                format!("{:.1} s", bare.wait_s),
                format!("{} of {}", bare.first.cached, bare.first.prompt),
            ]);
        }
        let Some(mut stage) = Stage::set(options, version) else { return };
        let lcc = stage.lcc();
        let mut restarts = Vec::new();
        let mut fresh = Vec::new();
        {
            let mut session = Session::lcc(&stage, &lcc);
            session.turn(1, Pace::Typist);
            for round in 0..rounds {
                session.fresh();
                fresh.push(session.turn(2 + round, Pace::Typist));
            }
            session.leave();
        }
        for round in 0..rounds {
            stage.restart_server();
            let mut session = Session::lcc(&stage, &lcc);
            restarts.push(session.turn(20 + round, Pace::Typist));
            session.leave();
        }
        keep(&format!("warm-{version}-lcc"), &stage.director.records());
        judge(&stage, section, &format!("{version}, lcc: F5"), &fresh);
        let what = format!("{version}, lcc: a new lcc, server restarted");
        judge(&stage, section, &what, &restarts);
    }
}

/// A second session of the same home against the same server.
fn again_bare(stage: &Stage) -> Turn {
    let bare = stage.bare();
    let mut first = Session::bare(stage, &bare, &[]);
    first.turn(1, Pace::Typist);
    first.leave();
    Session::bare(stage, &bare, &[]).turn(2, Pace::Typist)
}

fn judge(stage: &Stage, section: &mut Section, what: &str, turns: &[Turn]) {
    let waits: Vec<_> = turns.iter().map(|t| t.wait_s).collect();
    let shares: Vec<_> = turns
        .iter()
        .map(|turn| {
            let fixed = stage.director.fixed_tokens(&turn.first.body).unwrap_or(0);
            (turn.first.cached.min(fixed), fixed)
        })
        .collect();
    let middle = median(waits.clone());
    let of = |(kept, fixed): &(u64, u64)| *kept as f64 * 100.0 / (*fixed).max(1) as f64;
    let least = shares.iter().map(of).fold(100.0, f64::min);
    let all: Vec<_> = waits.iter().map(|w| format!("{w:.2}")).collect();
    let (kept, fixed) = shares.first().copied().unwrap_or_default();
    section.row(&[
        what.to_owned(),
        format!("{middle:.2} s ({})", all.join(", ")),
        format!("{kept} of the {fixed} fixed ones"),
    ]);
    section.bound(Bound::at_most(&format!("{what}: seconds, median"), middle, 1.5));
    section.bound(Bound::at_least(
        &format!("{what}: percent of the fixed prefix from cache, the worst"),
        least,
        98.0,
    ));
}
