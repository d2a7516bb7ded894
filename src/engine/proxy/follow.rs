//! Follows one request from its start to its end and reports it; nothing waits for this task.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    watch,
};

use super::{
    body::Body,
    compare::Past,
    count::{Counter, Question},
    describe::describe,
    hold::{Lease, Room},
    linger::Lingering,
    ratio::{Ratio, Weights},
    tap::{End, Form, Tap},
    traffic::{Guest, Sent, Traffic},
};
use crate::{
    domain::{Event, Moment, Observation, Outcome, PrefixRule, RequestId, RequestKind, Source},
    engine::clock::Clock,
};

/// How long a request has the machine to itself before lcc begins to read it.
const HEAD_START: Duration = Duration::from_millis(2);

/// Where observations go, with the clock that dates them.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The engine's clock.
    pub clock: Clock,
    /// Whoever listens; nobody listening is no error.
    pub out: UnboundedSender<Observation>,
}

impl Reporter {
    /// Reports what happened now.
    pub fn report(&self, event: Event) {
        self.report_at(self.clock.now(), event);
    }

    /// Reports what happened at a moment.
    pub fn report_at(&self, at: Moment, event: Event) {
        // The engine that listened is ending; there is nobody left to tell.
        let _ = self.out.send(Observation { at, event });
    }
}

/// The main requests under way, newest last, and the channel that tells the newest.
#[derive(Debug)]
pub struct Active {
    under_way: Mutex<Vec<RequestId>>,
    newest: watch::Sender<Option<RequestId>>,
}

impl Default for Active {
    fn default() -> Self {
        Self { under_way: Mutex::default(), newest: watch::Sender::new(None) }
    }
}

impl Active {
    /// Watches the newest main request under way.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<RequestId>> {
        self.newest.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<RequestId>)) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut under_way);
        self.newest.send_replace(under_way.last().copied());
    }
}

/// A request as it goes upstream.
#[derive(Debug)]
pub struct Job {
    /// Its number.
    pub request: RequestId,
    /// When it went upstream.
    pub started: Moment,
    /// The body as Claude Code sent it.
    pub received: Bytes,
    /// The body as it goes upstream.
    pub sent: Bytes,
    /// The rules for the prompt's start that changed it.
    pub cared: Vec<PrefixRule>,
    /// `x-claude-code-agent-id`.
    pub agent: Option<String>,
    /// `x-claude-code-session-id`.
    pub session: Option<String>,
    /// Whether `message_start` counts truly, see [`crate::domain::Dialect`].
    pub start_usage_is_real: bool,
    /// Asks the server for token counts; `None` when it cannot count.
    pub question: Option<Question>,
    /// Of the conversation: those who wait for it learn its end from this.
    pub lease: Option<Lease>,
    /// Asks the server for the tokens of a text, should there be thinking to count.
    pub tokens: Question,
    /// Counts it as under way.
    pub guest: Guest,
}

/// What a follower needs of the proxy.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Where observations go.
    pub reporter: Reporter,
    /// Main requests under way.
    pub active: Arc<Active>,
    /// Bytes per token, learned.
    pub ratio: Arc<Mutex<Ratio>>,
    /// The token counter.
    pub counter: Arc<Counter>,
    /// Who is under way.
    pub traffic: Traffic,
    /// The main request before.
    pub past: Arc<Mutex<Option<Past>>>,
    /// Where side requests wait.
    pub room: Room,
    /// Prompts that were given up.
    pub lingering: Lingering,
}

#[derive(Debug)]
enum Passing {
    Head {
        form: Form,
        status: u16,
    },
    Bytes(Bytes),
    /// Something else to report of the request.
    Told(Event),
    /// The answer was given up after so many tokens of thinking; another one follows.
    Again(u64),
    End(End),
}

/// The proxy's end of a followed request. Dropped without an end: Claude Code went away.
#[derive(Debug)]
pub struct Follower {
    clock: Clock,
    to: UnboundedSender<(Moment, Passing)>,
}

impl Follower {
    /// Starts to follow a request.
    #[must_use]
    pub fn start(desk: Desk, job: Job) -> Self {
        let (to, from) = mpsc::unbounded_channel();
        let clock = desk.reporter.clock;
        tokio::spawn(follow(desk, job, from));
        Self { clock, to }
    }

    /// The head of the answer came.
    pub fn head(&self, form: Form, status: u16) {
        self.pass(Passing::Head { form, status });
    }

    /// Bytes of the answer have passed.
    pub fn bytes(&self, bytes: Bytes) {
        self.pass(Passing::Bytes(bytes));
    }

    /// Something else became known of the request.
    pub fn told(&self, event: Event) {
        self.pass(Passing::Told(event));
    }

    /// The answer is given up after so many tokens of thinking, and asked for again.
    pub fn again(&self, tokens: u64) {
        self.pass(Passing::Again(tokens));
    }

    /// The answer is over.
    pub fn end(self, end: End) {
        self.pass(Passing::End(end));
    }

    fn pass(&self, what: Passing) {
        // The task ends before us only when the whole runtime does.
        let _ = self.to.send((self.clock.now(), what));
    }
}

/// Reports the end of a request exactly once, whatever happens to the task that holds it.
struct Ending {
    desk: Desk,
    request: RequestId,
    done: bool,
}

impl Ending {
    fn end(&mut self, at: Moment, outcome: Outcome) {
        if !std::mem::replace(&mut self.done, true) {
            let request = self.request;
            self.desk.active.change(|under_way| under_way.retain(|r| *r != request));
            self.desk.lingering.ended(at, request, &outcome);
            self.desk.reporter.report_at(at, Event::RequestEnded { request, outcome });
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.end(self.desk.reporter.clock.now(), Outcome::ClientGone);
    }
}

async fn follow(desk: Desk, job: Job, mut from: UnboundedReceiver<(Moment, Passing)>) {
    let job = Arc::new(job);
    // Reading a request costs more than passing it on. So it waits until the request is out, and
    // happens on another thread. What passes meanwhile waits here with the time it passed.
    tokio::time::sleep(HEAD_START).await;
    let read = {
        let job = Arc::clone(&job);
        let past = Arc::clone(&desk.past);
        tokio::task::spawn_blocking(move || describe(&job, &past)).await.ok()
    };
    let Some((start, fixed, more)) = read else { return };
    let main = matches!(
        &start,
        Event::RequestStarted { kind: RequestKind::Main | RequestKind::Compaction, .. }
    );
    if matches!(&start, Event::RequestStarted { kind: RequestKind::Main, .. }) {
        let (session, body) = (job.session.clone(), job.sent.clone());
        desk.traffic.note(Sent { request: job.request, session, body, fixed });
    }
    desk.reporter.report_at(job.started, start);
    for event in more {
        desk.reporter.report_at(job.started, event);
    }
    let mut ending = Ending { desk: desk.clone(), request: job.request, done: false };
    if main {
        desk.active.change(|under_way| under_way.push(job.request));
    }
    // Dropped, and with it ended, when this request is over.
    if main && job.question.is_none() {
        estimate(&desk, &job);
    }
    let _counting = main.then(|| {
        let counter = Arc::clone(&desk.counter);
        counter.start(desk.reporter.clone(), &job, fixed)
    });
    let (at, outcome) = listen(&desk, &job, &mut from).await;
    if let (Some(lease), Outcome::Done { stop_reason: Some(reason) }) = (&job.lease, &outcome)
        && reason == "tool_use"
    {
        lease.goes_on();
    }
    ending.end(at, outcome);
}

/// Reports what passes until the request is over.
async fn listen(
    desk: &Desk,
    job: &Job,
    from: &mut UnboundedReceiver<(Moment, Passing)>,
) -> (Moment, Outcome) {
    let request = job.request;
    let mut tap: Option<Tap> = None;
    let mut events = Vec::new();
    let mut prompt = Prompt::default();
    loop {
        let due = tap.as_ref().and_then(Tap::due);
        let (now, passing) = match next(desk, from, due).await {
            Next::Passing(now, passing) => (now, passing),
            Next::Due => {
                let now = desk.reporter.clock.now();
                if let Some(tap) = &mut tap {
                    tap.tick(now, &mut events);
                }
                tell(desk, now, &mut events, &mut prompt);
                continue;
            }
        };
        let end = match passing {
            Passing::Head { form, status } => {
                desk.reporter.report_at(now, Event::Headers { request, status });
                tap = Some(Tap::new(request, form, status, job.start_usage_is_real));
                None
            }
            Passing::Bytes(bytes) => {
                let tap = tap.as_mut();
                tap.and_then(|tap| {
                    tap.feed(&bytes, now, &mut events);
                    tap.is_stopped().then_some(End::Complete)
                })
            }
            Passing::Told(event) => {
                desk.reporter.report_at(now, event);
                None
            }
            Passing::Again(tokens) => {
                if let Some(tap) = &mut tap {
                    tap.again(now, &mut events);
                }
                events.push(Event::ThinkingStopped { request, tokens });
                None
            }
            Passing::End(end) => Some(end),
        };
        tell(desk, now, &mut events, &mut prompt);
        let Some(end) = end else { continue };
        let outcome = match (&mut tap, end) {
            (Some(tap), end) => tap.finish(end, now, &mut events),
            (None, End::Broken(message)) => Outcome::ServerLost { message },
            (None, End::Abandoned | End::Complete) => Outcome::ClientGone,
        };
        tell(desk, now, &mut events, &mut prompt);
        if let Some(thoughts) = tap.as_ref().map(Tap::thoughts).filter(|t| !t.is_empty())
            && let Some(tokens) = job.tokens.tokenize(thoughts).await
        {
            desk.reporter.report_at(now, Event::ThinkingCounted { request, tokens });
        }
        if let Some(tokens) = prompt.tokens() {
            let text = std::str::from_utf8(&job.received).ok();
            if let Some(weights) = text.and_then(Body::read).map(|body| Weights::of(&body)) {
                let mut ratio = desk.ratio.lock().unwrap_or_else(PoisonError::into_inner);
                ratio.learn(weights, tokens);
            }
        }
        return (now, outcome);
    }
}

enum Next {
    Passing(Moment, Passing),
    Due,
}

async fn next(
    desk: &Desk,
    from: &mut UnboundedReceiver<(Moment, Passing)>,
    due: Option<Moment>,
) -> Next {
    let received = match due {
        Some(due) => {
            let wait = due.since(desk.reporter.clock.now());
            match tokio::time::timeout(wait, from.recv()).await {
                Ok(received) => received,
                Err(_elapsed) => return Next::Due,
            }
        }
        None => from.recv().await,
    };
    // Without a word of its end the other side was dropped: the client closed the connection.
    let (now, passing) =
        received.unwrap_or_else(|| (desk.reporter.clock.now(), Passing::End(End::Abandoned)));
    Next::Passing(now, passing)
}

/// Prompt tokens the server told so far.
#[derive(Default)]
struct Prompt {
    input: Option<u64>,
    cached: Option<u64>,
}

impl Prompt {
    fn tokens(&self) -> Option<u64> {
        self.input.map(|input| input + self.cached.unwrap_or(0))
    }
}

fn tell(desk: &Desk, now: Moment, events: &mut Vec<Event>, prompt: &mut Prompt) {
    for event in events.drain(..) {
        if let Event::Usage { input, cached, .. } = &event {
            prompt.input = input.or(prompt.input);
            prompt.cached = cached.or(prompt.cached);
        }
        desk.reporter.report_at(now, event);
    }
}

/// Where the server does not count, what was learned of its counts says how long the prompt is.
fn estimate(desk: &Desk, job: &Job) {
    let tokens = {
        let ratio = desk.ratio.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the first count it knows nothing of this server.
        if ratio.is_empty() { None } else { Some(ratio.request(&job.received)) }
    };
    if tokens.is_some() {
        let (request, source) = (job.request, Source::Estimate);
        let counted = Event::PromptCounted { request, total: tokens, fixed: None, source };
        desk.reporter.report(counted);
    }
}
