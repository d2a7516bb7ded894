//! Carries out the supervisor's decisions: starts, watches, restarts and ends one server.

use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::Client;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
    time::MissedTickBehavior,
};

use super::{
    cause::{self, Cause},
    group::{self, Group},
    health::{self, Look},
    log::Log,
    machine::{Action, Input, Limits, Machine},
    plan::Plan,
    report::Report,
};
use crate::{domain::Moment, engine::clock::Clock};

/// Between two looks at a server that loads, and the pulse of the supervisor.
const PULSE: Duration = Duration::from_millis(100);
/// Between two looks at one that runs.
const BETWEEN: Duration = Duration::from_secs(2);
/// Pulses between two looks at the log's size and between two words on loading.
const SECOND: u32 = 10;
/// Lines of the log that are shown when the supervisor gives up.
const LAST_LINES: usize = 12;
/// Lines that are searched for the cause.
const CAUSE_LINES: usize = 200;

/// What to supervise, and how.
#[derive(Debug, Clone)]
pub struct Supervision {
    /// What is started.
    pub plan: Plan,
    /// Where its words go.
    pub log: Log,
    /// How patient to be.
    pub limits: Limits,
    /// Leave the server running when the supervisor ends.
    pub keep: bool,
}

/// A server under supervision. Dropping it kills the server, unless it is to be kept.
#[derive(Debug)]
pub struct Supervised {
    stop: UnboundedSender<()>,
    task: Option<JoinHandle<()>>,
    keep: bool,
}

impl Supervised {
    /// Asks the server to end; asked twice it is killed. [`Report::Ended`] follows.
    pub fn stop(&self) {
        // The supervisor may have given up already.
        let _ = self.stop.send(());
    }

    /// Ends the server in order and waits for it, or lets go of it when it is to be kept.
    pub async fn end(mut self) {
        if let Some(task) = self.task.take() {
            if self.keep {
                task.abort();
            } else {
                self.stop();
            }
            // A cancelled task is an ended one.
            let _ = task.await;
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Starts the server and watches over it; needs a tokio runtime.
#[must_use]
pub fn supervise(client: Client, what: Supervision) -> (Supervised, UnboundedReceiver<Report>) {
    let (stop, stops) = mpsc::unbounded_channel();
    let (out, reports) = mpsc::unbounded_channel();
    let keep = what.keep;
    let task = tokio::spawn(Supervisor::new(client, what, out).run(stops));
    (Supervised { stop, task: Some(task), keep }, reports)
}

struct Supervisor {
    client: Client,
    what: Supervision,
    out: UnboundedSender<Report>,
    clock: Clock,
    machine: Machine,
    /// `None` where the system tells nothing of itself.
    system: Option<System>,
    group: Option<Group>,
    look: Looking,
    started: Moment,
    /// Size of the log when the process was started: older lines are another life's.
    mark: u64,
    /// Known before the process ends.
    cause: Option<Cause>,
    /// How it ended last.
    how: String,
    lives: u32,
}

impl Supervisor {
    fn new(client: Client, what: Supervision, out: UnboundedSender<Report>) -> Self {
        let clock = Clock::start();
        Self {
            machine: Machine::new(what.limits, clock.now()),
            client,
            what,
            out,
            clock,
            system: System::new().ok(),
            group: None,
            look: Looking::none(),
            started: clock.now(),
            mark: 0,
            cause: None,
            how: String::new(),
            lives: 0,
        }
    }

    async fn run(mut self, mut stops: UnboundedReceiver<()>) {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pulses = 0_u32;
        let mut action = self.spawn();
        loop {
            if self.carry_out(&mut action) {
                return;
            }
            let input = tokio::select! {
                biased;
                Some(()) = stops.recv() => Input::Stop,
                how = ended(&mut self.group) => self.died(&how).await,
                look = self.look.seen() => match look {
                    Look::Ready => Input::Healthy,
                    Look::NoModel(words) => {
                        self.cause = Some(Cause::NoModel(words));
                        self.signal(Signal::SIGTERM);
                        Input::Tick
                    }
                    Look::Silent => Input::Silent,
                    Look::Nothing | Look::Loading => Input::Tick,
                },
                _ = pulse.tick() => {
                    pulses = pulses.wrapping_add(1);
                    if pulses.is_multiple_of(SECOND) {
                        self.every_second();
                    }
                    Input::Tick
                }
            };
            action = self.machine.step(input, self.clock.now());
        }
    }

    /// Whether it was the last action. A start that fails becomes the next one.
    fn carry_out(&mut self, action: &mut Action) -> bool {
        loop {
            match *action {
                Action::Nothing => return false,
                Action::Spawn => {
                    *action = self.spawn();
                    continue;
                }
                Action::Ready => {
                    let after = self.clock.now().since(self.started);
                    self.say(Report::Ready { after });
                }
                Action::Wait(again) => {
                    let (how, cause, _) = self.last_words();
                    self.say(Report::Died { how, cause, again });
                }
                Action::Terminate => self.signal(Signal::SIGTERM),
                Action::Kill => {
                    if self.machine.is_silent() {
                        self.cause = Some(Cause::Hung(self.what.limits.hung.as_secs()));
                    }
                    self.signal(Signal::SIGKILL);
                }
                Action::GiveUp => {
                    let (how, cause, lines) = self.last_words();
                    let log = self.what.log.path().to_owned();
                    self.say(Report::GivenUp { how, cause, lines, log });
                    return true;
                }
                Action::End => {
                    self.say(Report::Ended);
                    return true;
                }
            }
            return false;
        }
    }

    /// Starts the process; what to do next when that fails.
    fn spawn(&mut self) -> Action {
        let Supervision { plan, log, keep, .. } = &self.what;
        self.lives += 1;
        self.cause = None;
        self.how = String::new();
        self.started = self.clock.now();
        self.mark = log.size();
        let first = self.lives == 1;
        let (cause, hopeless) = if group::is_free(plan.port) {
            match Group::spawn(plan, log, *keep) {
                Ok(group) => {
                    let pid = group.pid();
                    self.group = Some(group);
                    self.look = Looking::start(self.client.clone(), plan);
                    self.say(Report::Started { pid });
                    return Action::Nothing;
                }
                Err(e) => (Cause::NotStartable(e.to_string()), true),
            }
        } else {
            // Later it may be what is left of the last life; at first it is somebody else.
            (Cause::PortTaken(plan.port), first)
        };
        self.cause = Some(cause);
        self.how = "was not started".to_owned();
        self.machine.step(Input::Died { hopeless }, self.clock.now())
    }

    async fn died(&mut self, how: &std::io::Result<std::process::ExitStatus>) -> Input {
        if let Some(group) = self.group.take() {
            group.clear().await;
        }
        self.look = Looking::none();
        self.how = match how {
            Ok(status) => {
                let exit = group::exit(*status);
                let lines = self.what.log.tail(self.mark, CAUSE_LINES);
                let port = self.what.plan.port;
                self.cause.get_or_insert_with(|| cause::likely(exit, &lines, port));
                exit.to_string()
            }
            Err(e) => format!("cannot be waited for ({e})"),
        };
        Input::Died { hopeless: self.cause.as_ref().is_some_and(Cause::is_hopeless) }
    }

    fn last_words(&self) -> (String, Cause, Vec<String>) {
        let cause = self.cause.clone().unwrap_or(Cause::Unknown);
        (self.how.clone(), cause, self.what.log.tail(self.mark, LAST_LINES))
    }

    fn every_second(&mut self) {
        if let Err(e) = self.what.log.rotate() {
            tracing::warn!("{}: {e}", self.what.log.path().display());
        }
        let Some(pid) = self.group.as_ref().map(Group::pid) else { return };
        if self.machine.is_loading() {
            let since = self.clock.now().since(self.started);
            let memory = self.resident(pid);
            self.say(Report::Loading { since, memory });
        }
    }

    fn resident(&mut self, pid: u32) -> Option<u64> {
        let pid = Pid::from_u32(pid);
        let system = self.system.as_mut()?;
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            true,
            ProcessRefreshKind::nothing().with_memory().without_tasks(),
        );
        system.process(pid).map(sysinfo::Process::memory)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = &self.group {
            group.signal(signal);
        }
    }

    fn say(&self, report: Report) {
        // Nobody may be listening; the server is watched over all the same.
        let _ = self.out.send(report);
    }
}

/// The end of the process; never, while there is none.
async fn ended(group: &mut Option<Group>) -> std::io::Result<std::process::ExitStatus> {
    match group {
        Some(group) => group.child.wait().await,
        None => std::future::pending().await,
    }
}

/// The looks at a server that starts; they end with this value.
struct Looking {
    task: Option<JoinHandle<()>>,
    seen: UnboundedReceiver<Look>,
}

impl Looking {
    fn none() -> Self {
        Self { task: None, seen: mpsc::unbounded_channel().1 }
    }

    fn start(client: Client, plan: &Plan) -> Self {
        let (out, seen) = mpsc::unbounded_channel();
        let (url, probe) = (plan.url(), plan.probe.clone());
        let task = tokio::spawn(async move {
            loop {
                match health::look(&client, &url, &probe).await {
                    Look::Nothing | Look::Loading | Look::Silent => {
                        tokio::time::sleep(PULSE).await;
                    }
                    Look::Ready => break,
                    look @ Look::NoModel(_) => {
                        let _ = out.send(look);
                        return;
                    }
                }
            }
            // From now on: whether it still answers.
            let mut look = Look::Ready;
            while out.send(look).is_ok() {
                tokio::time::sleep(BETWEEN).await;
                look = if health::answers(&client, &url, &probe).await {
                    Look::Ready
                } else {
                    Look::Silent
                };
            }
        });
        Self { task: Some(task), seen }
    }

    /// What was seen next.
    async fn seen(&mut self) -> Look {
        match self.seen.recv().await {
            Some(look) => look,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
