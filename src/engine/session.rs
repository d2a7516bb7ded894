//! The one loop of the engine: commands in, updates out, one Claude Code at a time.

mod child;
mod compaction;
mod eye;
mod files;
mod git;
mod handover;
mod learned;
mod line;
pub mod log;
mod policy;
mod recheck;
pub mod record;
mod retry;
mod seek;
mod served;
mod server;
mod settings;
mod status;
mod submission;
mod trust;
mod warm;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};

pub use learned::reading_curve;
pub use settings::{Open, ServerChoice, SessionSettings, Surroundings};
pub use status::{ABOUT, SOCKET, bury_dead};

use self::{
    child::{Life, Plan},
    compaction::{Compaction, Step},
    handover::Handing,
    line::Line,
    log::Log,
    policy::Tending,
    server::ServerNews,
    status::StatusPage,
};
use super::{
    claude::{self, Conversation},
    clock::Clock,
    metrics::Meter,
    window::policy::Steward,
};
use crate::{
    domain::{Event, Observation, Phase},
    protocol::{Command, Notice, NoticeLevel, Snapshot, Update},
};

/// The pulse of the loop: figures go out at most this often, the child is looked at.
const PULSE: Duration = Duration::from_millis(100);
/// Updates that wait for a front before the terminal is slowed down.
const UPDATE_QUEUE: usize = 64;

/// Starts a session's engine; it ends after [`Command::Quit`] or when the front is gone.
#[must_use]
pub fn start(
    settings: SessionSettings,
) -> (mpsc::UnboundedSender<Command>, mpsc::Receiver<Update>, JoinHandle<()>) {
    let (commands, inbox) = mpsc::unbounded_channel();
    let (updates, outbox) = mpsc::channel(UPDATE_QUEUE);
    let task = tokio::spawn(async move {
        let mut engine = Engine::new(settings, updates);
        engine.run(inbox).await;
        engine.close().await;
    });
    (commands, outbox, task)
}

struct Engine {
    settings: Arc<SessionSettings>,
    clock: Clock,
    meter: Meter,
    observations: mpsc::UnboundedReceiver<Observation>,
    observe: mpsc::UnboundedSender<Observation>,
    updates: mpsc::Sender<Update>,
    /// Updates the front had no room for yet; never holds more than one snapshot.
    waiting: VecDeque<Update>,
    snapshots: watch::Sender<Snapshot>,
    _page: Option<StatusPage>,
    line: Option<Line>,
    life: Option<Life>,
    compaction: Compaction,
    tending: Tending,
    handing: Handing,
    log: Log,
    record: record::Keeper,
    server_news: ServerNews,
    watching: eye::Watching,
    size: (u16, u16),
    trust: trust::Trust,
    /// Turns whose start the front has been told.
    turns_told: u64,
}

impl Engine {
    fn new(settings: SessionSettings, updates: mpsc::Sender<Update>) -> Self {
        let (observe, observations) = mpsc::unbounded_channel();
        let snapshots = watch::Sender::new(Snapshot::default());
        let page = StatusPage::open(&settings.run_dir, &settings.project, snapshots.subscribe());
        let mut waiting = VecDeque::new();
        let page = page
            .map_err(|e| {
                let text = format!(
                    "{}: {e}; lcc status will not see this session",
                    settings.run_dir.display()
                );
                waiting.push_back(Update::Notice(Notice { level: NoticeLevel::Warning, text }));
            })
            .ok();
        Self {
            meter: Meter::new(settings.id.clone()),
            clock: Clock::start(),
            size: settings.size,
            tending: Tending::new(Steward::new(settings.policy)),
            settings: Arc::new(settings),
            observations,
            observe,
            updates,
            waiting,
            snapshots,
            _page: page,
            line: None,
            life: None,
            compaction: Compaction::default(),
            handing: Handing::default(),
            log: Log::default(),
            record: record::Keeper::default(),
            server_news: ServerNews::default(),
            watching: eye::Watching::default(),
            trust: trust::Trust::default(),
            turns_told: 0,
        }
    }

    async fn run(&mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.trust = trust::Trust::look(&self.settings);
        if !self.find_server(&mut inbox, &mut pulse).await {
            return;
        }
        let open = match &self.settings.open {
            Open::New => Conversation::New(new_conversation()),
            Open::Resume(id) => Conversation::Resume(id.clone()),
            Open::Last => Conversation::Continue,
        };
        self.start_life(open, None).await;
        loop {
            tokio::select! {
                biased;
                command = inbox.recv() => match command {
                    Some(Command::Quit) | None => return,
                    Some(command) => self.obey(command).await,
                },
                Some(o) = self.observations.recv() => self.take_in(&o),
                room = room(&self.updates), if !self.waiting.is_empty() => match room {
                    Some(room) => if let Some(update) = self.waiting.pop_front() { drop(room.send(update)) },
                    None => return,
                },
                _ = pulse.tick() => self.pulse().await,
            }
        }
    }

    async fn start_life(&mut self, conversation: Conversation, prompt: Option<String>) {
        let Some((proxy, plan)) = self.line.as_ref().map(|l| (l.proxy.clone(), l.plan.clone()))
        else {
            return;
        };
        let plan = Plan { conversation, prompt, size: self.size, ..plan };
        if let Err(e) =
            claude::state::seed(&self.settings.home, &self.settings.project, self.settings.look)
        {
            self.push(Update::Failed { message: e.to_string() });
            return;
        }
        if let Some(line) = &self.line {
            line.warmer.open(warm::opening(&plan.conversation));
        }
        self.push(Update::ChildStarting);
        self.trust_begins().await;
        if !self.flush().await {
            return;
        }
        let started =
            Life::start(Arc::clone(&self.settings), plan.clone(), &proxy, self.updates.clone())
                .await;
        match started {
            Ok(life) => {
                let report = &life.report;
                self.meter.set_sandbox(report.tier, report.probes, report.blocked);
                let notes = report.notes.clone();
                for note in notes {
                    self.notice(NoticeLevel::Info, note);
                }
                if self.size != plan.size {
                    life.resize(self.size);
                }
                let event = Event::ChildStarted { session: life.session.clone() };
                self.happened(event);
                self.life = Some(life);
            }
            Err(e) => self.push(Update::Failed { message: e.to_string() }),
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Input(bytes) => {
                self.tending.last_key = Some(self.clock.now());
                if let Some(life) = &self.life {
                    life.input(bytes);
                }
            }
            Command::Resize { cols, rows } => {
                self.size = (cols, rows);
                if let Some(life) = &self.life {
                    life.resize(self.size);
                }
            }
            Command::Compact(when) => {
                let step = self.compaction.ask(when, self.phase(), self.clock.now());
                self.take_step(step);
            }
            Command::RestartFresh => self.restart(None).await,
            Command::Handover => self.hand_over(),
            Command::StartWith(prompt) => self.start_with(prompt).await,
            Command::Prompt(paste) => self.submit(paste),
            Command::Weigh { revision, text } => self.weigh(revision, text),
            Command::Files => self.list_files(),
            // The loop ends on it before it comes here.
            Command::Quit => {}
        }
    }

    async fn restart(&mut self, prompt: Option<String>) {
        let before = self.meter.snapshot(self.clock.now()).window;
        self.compaction = Compaction::default();
        self.tending.steward.emptied();
        self.look_last();
        if let Some(life) = self.life.take() {
            life.end().await;
            self.happened(Event::ChildEnded { code: None });
        }
        self.drop_submissions();
        self.start_life(Self::fresh(), prompt).await;
        if let (Some(used), Some(fixed)) = (before.used, before.fixed)
            && self.life.is_some()
        {
            let freed = crate::domain::units::count(used.saturating_sub(fixed));
            self.notice(NoticeLevel::Info, format!("fresh context: {freed} tokens freed"));
        }
    }

    async fn pulse(&mut self) {
        for (level, text) in self.line.as_mut().map(|l| l.server.news()).unwrap_or_default() {
            self.notice(level, text);
        }
        let now = self.clock.now();
        if self.compaction.is_pending() {
            let step = self.compaction.step(self.phase(), now);
            self.take_step(step);
        }
        self.tend();
        self.submission_step();
        self.recheck().await;
        if let Some(status) = self.life.as_mut().and_then(Life::ended) {
            self.look_last();
            self.watch_sandbox();
            let (mut cause, mut broken) = (None, None);
            if let Some(mut life) = self.life.take() {
                broken = life.broken();
                cause = life.cause(status);
                life.end().await;
            }
            self.compaction = Compaction::default();
            self.happened(Event::ChildEnded { code: status.code() });
            let cause = cause.map(|cause| format!("Claude Code {cause}."));
            let message =
                broken.or(cause).unwrap_or_else(|| format!("Claude Code ended: {status}"));
            self.note_end(&message);
            self.push(Update::ChildEnded { code: status.code(), message });
        }
        self.watch_sandbox();
        self.send_log();
        self.send_figures();
    }

    /// Sends the new lines of the log; while the front lags they wait, bounded.
    fn send_log(&mut self) {
        if !self.waiting.iter().any(|u| matches!(u, Update::Log(_)))
            && let Some(lines) = self.log.take()
        {
            self.push(Update::Log(lines));
        }
    }

    fn take_step(&mut self, step: Step) {
        match step {
            Step::Wait => {}
            Step::Keys(keys) => {
                if let Some(life) = &self.life {
                    life.input(Bytes::from_static(keys));
                }
            }
            Step::GivenUp => self.notice(
                NoticeLevel::Warning,
                "not compacted: Claude Code did not stop. Press F2 again when it is idle".into(),
            ),
        }
    }

    /// Sends the figures when they differ from the last ones and the front has room.
    fn send_figures(&mut self) {
        let snapshot = self.figures();
        let news = self.snapshots.send_if_modified(|last| {
            let differs = *last != snapshot;
            if differs {
                last.clone_from(&snapshot);
            }
            differs
        });
        if !news {
            return;
        }
        if let Some(line) = &self.line
            && let Err(e) = self.record.keep(&self.settings, line, &snapshot)
        {
            tracing::warn!("{e}; lcc report will not see this session");
        }
        // A front that lags gets the newest figures, not all that it missed.
        self.waiting.retain(|u| !matches!(u, Update::Snapshot(_)));
        self.push(Update::Snapshot(Box::new(snapshot)));
    }

    fn take_in(&mut self, observation: &Observation) {
        if let Event::ThinkingStopped { request, tokens } = &observation.event {
            let tokens = crate::domain::units::count(*tokens);
            self.notice(
                NoticeLevel::Warning,
                format!(
                    "request {request} thought for ~{tokens} tokens although thinking is off: \
                     ended and sent once more"
                ),
            );
        }
        self.turned_back(&observation.event);
        self.handing.observe(observation);
        if let Some(text) = retry::notice(&observation.event) {
            self.notice(NoticeLevel::Info, text);
        }
        if let Event::Egress(egress) = &observation.event {
            self.watching.record(&self.settings.home, egress);
        }
        self.meter.observe(observation);
        let number = self.meter.turns_begun();
        if number > self.turns_told {
            self.turns_told = number;
            self.push(Update::TurnStarted { number });
        }
        self.log.observe(observation);
        if let Some(line) = &mut self.line {
            line.warmer.observe(observation);
        }
        if let Event::Warm(step) = &observation.event
            && let Some((level, text)) = warm::notice(step)
        {
            self.notice(level, text);
        }
        if let Some(text) = self.server_news.of(&observation.event) {
            self.notice(NoticeLevel::Warning, text);
        }
    }

    fn happened(&mut self, event: Event) {
        let observation = Observation { at: self.clock.now(), event };
        self.take_in(&observation);
    }

    fn phase(&self) -> Phase {
        self.meter.snapshot(self.clock.now()).phase
    }

    fn notice(&mut self, level: NoticeLevel, text: String) {
        self.push(Update::Notice(Notice { level, text }));
    }

    fn push(&mut self, update: Update) {
        self.waiting.push_back(update);
    }

    /// Hands over everything that waits; `false` when the front is gone.
    async fn flush(&mut self) -> bool {
        while let Some(update) = self.waiting.pop_front() {
            if self.updates.send(update).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn close(mut self) {
        self.keep_learned();
        self.look_last();
        self.send_figures();
        if let Some(life) = self.life.take() {
            // The front may have stopped reading: what the child still writes must not block it.
            life.end().await;
        }
        self.trust_ends().await;
        if let Some(line) = self.line.take() {
            line.end().await;
        }
        let _ = self.updates.try_send(Update::Ended);
    }
}

/// A place in the queue to the front; `None` when the front is gone. Holds no borrow, so that the
/// loop may go on with another branch.
fn room(
    updates: &mpsc::Sender<Update>,
) -> impl Future<Output = Option<mpsc::OwnedPermit<Update>>> + use<> {
    let updates = updates.clone();
    async move { updates.reserve_owned().await.ok() }
}

/// A fresh id for a conversation, in the form Claude Code asks for.
fn new_conversation() -> String {
    uuid::Uuid::new_v4().to_string()
}
