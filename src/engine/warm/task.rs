//! The task: orders in, steps out; every real request stops what it is doing.

mod turn;

use std::sync::Arc;

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender},
    watch,
};

use super::{
    Opening, Order, Parts, Probe, WarmSettings, body,
    index::{Index, sweep},
    keeper::{Attempt, Keeper, Label},
    mark,
    read::{Course, Reading, read},
    slots::Slots,
    store::{Prompt, Store},
};
use crate::{
    domain::{Kept, Observation, ServerFacts, ServerKind, Warm},
    engine::{
        clock::Clock,
        proxy::{Proxy, traffic::Sent, upstream::Upstream, upstream::UpstreamError},
        window::warm::{Entry, LastSave, Verdict, Want, verdict},
    },
};

/// A restore that the next request will judge.
struct Pending {
    entry: Entry,
}

/// What is held by whom.
pub(super) struct Task {
    proxy: Proxy,
    slots: Slots,
    facts: ServerFacts,
    clock: Clock,
    out: UnboundedSender<Observation>,
    settings: WarmSettings,
    probe: Option<Probe>,
    store: Store,
    index: Index,
    came: watch::Receiver<u64>,
    under_way: watch::Receiver<u64>,
    last_main: watch::Receiver<Option<Arc<Sent>>>,
    course: Course,
    /// `None` before the server was looked at, and where it saves no slots.
    keeper: Option<Keeper>,
    /// The server was looked at since it was started.
    looked: bool,
    /// Slots cannot be saved or restored here; said once.
    never: bool,
    pending: Option<Pending>,
    /// The server has this session's fixed prefix in a slot, as far as is known.
    held: bool,
    /// Prompt and answer of the last turn that ended.
    turn: u64,
    last_save: Option<(Option<String>, LastSave)>,
}

impl Task {
    pub(super) fn new(parts: Parts) -> Result<Self, UpstreamError> {
        let Parts { proxy, reach, url, facts, clock, out, settings, probe } = parts;
        let traffic = proxy.traffic();
        Ok(Self {
            slots: Slots { upstream: Upstream::new(&url, reach)? },
            store: Store::at(settings.state.join("prefix")),
            index: Index::at(settings.state.clone()),
            came: traffic.came(),
            under_way: traffic.under_way(),
            last_main: traffic.last_main(),
            proxy,
            facts,
            clock,
            out,
            settings,
            probe,
            course: Course::default(),
            keeper: None,
            looked: false,
            never: false,
            pending: None,
            held: false,
            turn: 0,
            last_save: None,
        })
    }

    pub(super) async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut next = None;
        loop {
            let order = match next.take() {
                Some(order) => order,
                None => match orders.recv().await {
                    Some(order) => order,
                    None => return,
                },
            };
            if let Order::Close(done) = order {
                self.farewell().await;
                // Whoever waited may have given up.
                let _ = done.send(());
                return;
            }
            self.came.mark_unchanged();
            let mut came = self.came.clone();
            let stopped = tokio::select! {
                biased;
                // What is quick is never stopped: the counts of a request that has just come.
                () = self.obey(order) => false,
                _ = came.changed() => true,
                order = orders.recv() => {
                    next = order;
                    if next.is_none() {
                        return;
                    }
                    true
                }
            };
            if stopped && let Some(step) = self.course.stop() {
                self.tell(step);
            }
        }
    }

    fn tell(&self, step: Warm) {
        // A session that does not listen any more has ended.
        let event = crate::domain::Event::Warm(step);
        let _ = self.out.send(Observation { at: self.clock.now(), event });
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Open(opening) => self.open(opening).await,
            Order::Restarted => self.back().await,
            Order::Counted { total, cached } => self.counted(total, cached),
            Order::Ended(tokens) => self.ended(tokens).await,
            // Answered before it comes here.
            Order::Close(_) => {}
        }
    }

    /// Where the server's slots can be looked at.
    fn shown(&self) -> Option<&Slots> {
        self.facts.dialect.slots.then_some(&self.slots)
    }

    /// Looks at the server anew, for its mark.
    async fn look(&mut self) {
        self.keeper = None;
        self.looked = false;
        let can = match self.facts.kind {
            ServerKind::LlamaServer | ServerKind::Llamafile | ServerKind::Practice => true,
            ServerKind::Ollama
            | ServerKind::LmStudio
            | ServerKind::Vllm
            | ServerKind::Sglang
            | ServerKind::LlamaSwap
            | ServerKind::MlxLm
            | ServerKind::Unknown => false,
        };
        if !can || self.never || self.settings.pace.limit == 0 || !self.facts.dialect.slots {
            self.looked = true;
            return;
        }
        self.keeper = mark::ask(&self.slots, &self.facts).await.map(|marked| Keeper {
            slots: self.slots.clone(),
            index: self.index.clone(),
            marked,
            project: self.settings.project.clone(),
            limit: self.settings.pace.limit,
        });
        self.looked = true;
        sweep(&self.index);
    }

    /// A conversation opens: its start goes into a slot, from a file or by reading.
    async fn open(&mut self, opening: Opening) {
        self.pending = None;
        self.look().await;
        let talk = match &opening {
            Opening::New => return self.open_new().await,
            Opening::Session(id) => self.store.talk(id),
            Opening::Last => self.store.last_talk(&self.settings.project),
        };
        let session = match opening {
            Opening::Session(id) => Some(id),
            Opening::New | Opening::Last => talk.as_ref().and_then(|t| t.session.clone()),
        };
        let Some(session) = session else { return };
        self.go_on(&session, talk).await;
    }

    /// A conversation that was there before: restored, or read again from its last request.
    async fn go_on(&mut self, session: &str, talk: Option<Prompt>) {
        let restored = self.restore(Want::Session(session)).await;
        let proven = restored.is_some() && self.keeper.as_ref().is_some_and(Keeper::is_proven);
        match (talk, restored) {
            // Reading it once more would cut the last answer off the slot, only to prove what is
            // known of this server.
            (_, Some(entry)) if proven || !self.settings.warm_start => {
                self.pending = Some(Pending { entry });
            }
            (Some(talk), restored) => {
                self.read(Kept::Conversation, &talk, restored).await;
            }
            (None, restored) => self.pending = restored.map(|entry| Pending { entry }),
        }
    }

    async fn open_new(&mut self) {
        let Some(prompt) = self.fixed().await else { return };
        let prefix = prompt.digest();
        let restored = match self.held {
            true => None,
            false => self.restore(Want::Fresh { prefix }).await,
        };
        if !self.settings.warm_start {
            self.pending = restored.map(|entry| Pending { entry });
            return;
        }
        let Some(total) = self.read(Kept::Fixed, &prompt, restored).await else { return };
        self.held = true;
        if prompt.tokens != Some(total) {
            self.keep_fixed(&Prompt { tokens: Some(total), ..prompt });
        }
        let wanted = self.keeper.as_ref().is_some_and(|keeper| !keeper.has_fixed(prefix));
        if wanted {
            // The one token of the answer is counted, but may not be in the slot.
            self.save(Label { kept: Kept::Fixed, session: None, prefix, tokens: total }).await;
        }
    }

    /// The fixed prefix of this kind of session, from the last one or from the real client.
    async fn fixed(&mut self) -> Option<Prompt> {
        if let Some(prompt) = self.store.fixed(&self.settings.about) {
            return Some(prompt);
        }
        let sent = self.probe.take()?().await?;
        let prompt = self.prompt(body::fixed(&self.proxy.as_sent(&sent))?, None);
        self.keep_fixed(&prompt);
        Some(prompt)
    }

    fn prompt(&self, body: String, session: Option<String>) -> Prompt {
        Prompt {
            about: self.settings.about.clone(),
            project: self.settings.project.clone(),
            session,
            tokens: None,
            body,
        }
    }

    fn keep_fixed(&self, prompt: &Prompt) {
        if let Err(e) = self.store.keep_fixed(prompt) {
            tracing::warn!("the fixed prefix is not kept: {e}");
        }
    }

    async fn restore(&mut self, want: Want<'_>) -> Option<Entry> {
        let attempt = self.keeper.as_ref()?.restore(want).await;
        self.done(attempt)
    }

    async fn save(&mut self, label: Label) -> Option<Entry> {
        // It goes on when this task turns to something else: half a file helps nobody.
        let keeper = self.keeper.clone()?;
        let attempt = tokio::spawn(async move { keeper.save(&label).await }).await.ok()?;
        self.done(attempt)
    }

    fn done(&mut self, attempt: Attempt<(Entry, Warm)>) -> Option<Entry> {
        match attempt {
            Attempt::Done((entry, step)) => {
                self.tell(step);
                Some(entry)
            }
            Attempt::Nothing => None,
            Attempt::Refused(step) => {
                self.tell(step);
                None
            }
            Attempt::Never(why) => {
                self.never = true;
                self.keeper = None;
                self.tell(Warm::NoSlots { why });
                None
            }
        }
    }

    /// Has the server read a prompt, and judges a restore by it. Gives the prompt's tokens.
    async fn read(&mut self, what: Kept, prompt: &Prompt, restored: Option<Entry>) -> Option<u64> {
        // A request that came meanwhile has the server read it all by itself.
        if *self.under_way.borrow() > 0 {
            self.pending = restored.map(|entry| Pending { entry });
            return None;
        }
        // Should a real request stop it, that one judges.
        self.pending = restored.map(|entry| Pending { entry });
        let reading = Reading { what, body: &prompt.body, total: prompt.tokens };
        let answer = {
            let tell = |step| self.tell(step);
            read(&self.proxy, self.shown(), reading, &self.course, &tell).await
        };
        match answer {
            Ok((counted, seconds)) => {
                let total = counted.total;
                if let (Some(cached), Some(pending)) = (counted.cached, self.pending.take()) {
                    self.judge(&pending.entry, total, cached);
                }
                let cached = counted.cached.unwrap_or(0);
                self.tell(Warm::Read { what, total, cached, seconds });
                Some(total)
            }
            Err(why) => {
                self.tell(Warm::Failed { what, why });
                None
            }
        }
    }

    /// Whether the restore of `entry` spared the reading of a prompt that shares `shared` tokens
    /// with it.
    fn judge(&self, entry: &Entry, shared: u64, cached: u64) {
        let Some(keeper) = &self.keeper else { return };
        match verdict(entry.tokens, shared, cached) {
            Verdict::Good => keeper.touch(&entry.id, true),
            Verdict::Vain => {
                let read = shared.saturating_sub(cached);
                keeper.condemn(&format!(
                    "a restore of {} tokens did nothing here: {read} were read again",
                    entry.tokens
                ));
                self.tell(Warm::Vain { what: entry.kept, restored: entry.tokens, read });
            }
        }
    }

    /// The server was started anew in the midst of the session.
    async fn back(&mut self) {
        self.held = false;
        self.looked = false;
        self.pending = None;
        // A request under way has the server read everything by itself.
        if *self.under_way.borrow() > 0 {
            return;
        }
        self.look().await;
        let sent = self.last_main.borrow().clone();
        let Some(sent) = sent else { return self.open_new().await };
        let text = std::str::from_utf8(&sent.body).ok();
        let talk = text.and_then(body::whole).map(|body| self.prompt(body, sent.session.clone()));
        match sent.session.clone() {
            Some(session) => self.go_on(&session, talk).await,
            None => {
                if let (Some(talk), true) = (talk, self.settings.warm_start) {
                    self.read(Kept::Conversation, &talk, None).await;
                }
            }
        }
    }
}
