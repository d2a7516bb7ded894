//! The session of twenty turns, and how far each figure was from the truth.

use lcc::{
    domain::{Phase, Source},
    engine::backend::LogPlace,
    protocol::Snapshot,
};

use super::{
    fakes::{ANSWER, Fake, Kind, WINDOW},
    house::House,
};

pub const TURNS: u64 = 20;

/// The worst error of one figure over the session.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figure {
    /// Who told, the last time.
    pub source: Option<&'static str>,
    /// In percent of the truth; `None`: the figure was never there.
    pub worst: Option<f64>,
}

impl Figure {
    fn note(&mut self, source: &'static str, told: u64, truth: u64) {
        let off = told.abs_diff(truth) as f64 * 100.0 / truth.max(1) as f64;
        self.source = Some(source);
        self.worst = Some(self.worst.map_or(off, |w| w.max(off)));
    }
}

/// What a session on one kind of server showed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Report {
    pub window: Figure,
    pub total: Figure,
    pub progress: Figure,
    pub cached: Figure,
    pub used: Figure,
    pub waiting: Figure,
}

/// Runs the session.
pub async fn run(kind: Kind) -> Report {
    let fake = Fake::start(kind);
    let mut house = House::start(&fake.url, LogPlace::File(fake.log.clone()), false).await;
    let mut report = Report::default();
    let first = house.until("a server", |s| s.phase == Phase::Idle).await;
    if let Some(size) = first.window.size {
        report.window.note("server", size, WINDOW);
    }
    for turn in 0..TURNS {
        let words = 40 + (turn * 37 % 11) * 60;
        let text: String = (0..words).map(|w| format!("word{turn}x{w} ")).collect();
        let waiting = turn == 7 || turn == 8;
        fake.change(|t| t.waiting = u64::from(waiting) * 3);
        let asked = house.say(&text);
        while !asked.is_finished() {
            step(&fake, &house, &mut report).await;
        }
        let reply = asked.await.unwrap();
        assert!(reply.contains("message_stop"), "{kind:?} turn {turn}: {reply}");
        let name = format!("{kind:?}: the end of turn {turn}");
        let figures = house.until(&name, |s| s.turns == turn + 1 && s.phase == Phase::Idle).await;
        settled(&fake, &figures, &mut report);
        if waiting && has_queue(kind) {
            let told = house.until("the queue", |s| s.server.waiting == Some(3)).await;
            report.waiting.note("metrics page", told.server.waiting.unwrap(), 3);
        }
        house.hear(ANSWER);
    }
    report
}

const fn has_queue(kind: Kind) -> bool {
    matches!(kind, Kind::LlamaServer | Kind::Vllm | Kind::Sglang)
}

/// Lets the server read one batch on, once the figures have caught up with it.
async fn step(fake: &Fake, house: &House, report: &mut Report) {
    let truth = fake.truth();
    if !truth.reading || truth.released >= truth.step {
        if let (true, Some(Source::Estimate)) = (truth.reading, house.figures().prefill.source) {
            report.progress.source = Some("estimate");
        }
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        return;
    }
    if !fake.kind.is_stepped() {
        fake.release();
        return;
    }
    // LM Studio tells a share alone: what it is a share of is lcc's own count.
    let share = fake.kind == Kind::LmStudio;
    let name = format!("{:?}: the figures follow to {}", fake.kind, truth.done);
    let aim = truth.done as f64 / truth.total as f64;
    let told = house
        .until(&name, |s| {
            let (Some(done), Some(source)) = (s.prefill.done, s.prefill.source) else {
                return false;
            };
            let all = s.prefill.total.unwrap_or(0).max(1);
            let there = if share {
                (done as f64 / all as f64 - aim).abs() < 0.002
            } else {
                done == truth.done
            };
            there && source != Source::Estimate
        })
        .await;
    let source = match told.prefill.source {
        Some(Source::Server) => "slots",
        Some(Source::Log) => "log",
        Some(Source::Estimate) | None => "estimate",
    };
    report.progress.note(source, told.prefill.done.unwrap(), truth.done);
    fake.release();
}

/// Compares what stays after a turn.
fn settled(fake: &Fake, figures: &Snapshot, report: &mut Report) {
    let truth = fake.truth();
    let last = figures.prefill.last.as_ref().expect("a prefill");
    report.total.note("usage", last.total.unwrap(), truth.total);
    if let Some(cached) = last.cached {
        let by = match fake.kind {
            Kind::OllamaGguf => "slots",
            Kind::OllamaMlx => "log",
            Kind::LlamaServer
            | Kind::LmStudio
            | Kind::Vllm
            | Kind::Sglang
            | Kind::LlamaSwap
            | Kind::Llamafile093 => "usage",
        };
        report.cached.note(by, cached, truth.cached);
        let ratio = figures.cache.last_ratio.expect("a ratio");
        let true_ratio = truth.cached as f64 / truth.total as f64;
        assert!((ratio - true_ratio).abs() < 0.001, "{:?}: {ratio} {true_ratio}", fake.kind);
    }
    report.used.note("usage", figures.window.used.unwrap(), truth.total + truth.output);
    assert!(!figures.window.truncated, "{:?}: nothing was dropped", fake.kind);
}
