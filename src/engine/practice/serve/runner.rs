//! The task that drives the machine with the real time and tells each request what happened to it.

use std::collections::HashMap;
use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant};

use crate::domain::Moment;
use crate::engine::practice::machine::{Job, Machine, Notice, TaskId};
use crate::engine::practice::tokenize::Token;
use crate::engine::practice::view::{SlotView, Totals};

/// A look at the whole server.
#[derive(Debug)]
pub struct Look {
    /// The slots.
    pub slots: Vec<SlotView>,
    /// The sums.
    pub totals: Totals,
}

#[derive(Debug)]
enum Ask {
    Submit(Job, oneshot::Sender<(TaskId, mpsc::UnboundedReceiver<Notice>)>),
    Cancel(TaskId),
    Look(oneshot::Sender<Look>),
    Held(usize, oneshot::Sender<Option<Vec<Token>>>),
    Fill(usize, Vec<Token>, oneshot::Sender<bool>),
    Evict(oneshot::Sender<()>),
}

/// A way to the running machine. Its answers are `None` when the server is stopping.
#[derive(Debug, Clone)]
pub struct Runner {
    asks: mpsc::UnboundedSender<Ask>,
}

/// A request in the machine; dropped before its end, it is cancelled.
#[derive(Debug)]
pub struct Ticket {
    /// Its number.
    pub id: TaskId,
    notices: mpsc::UnboundedReceiver<Notice>,
    runner: Runner,
    over: bool,
}

impl Ticket {
    /// What happened next; `None` after the end.
    pub async fn next(&mut self) -> Option<Notice> {
        let notice = self.notices.recv().await;
        self.over = match notice {
            Some(Notice::Started { .. } | Notice::Written(_)) => false,
            Some(Notice::TooLong { .. } | Notice::Finished { .. }) | None => true,
        };
        notice
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.runner.asks.send(Ask::Cancel(self.id));
        }
    }
}

impl Runner {
    /// Takes a request in.
    pub async fn submit(&self, job: Job) -> Option<Ticket> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Submit(job, reply)).ok()?;
        let (id, notices) = answer.await.ok()?;
        Some(Ticket { id, notices, runner: self.clone(), over: false })
    }

    /// What an idle slot holds; the inner `None`: it works, or there is none.
    pub async fn held(&self, slot: usize) -> Option<Option<Vec<Token>>> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Held(slot, reply)).ok()?;
        answer.await.ok()
    }

    /// Fills an idle slot; whether it could.
    pub async fn fill(&self, slot: usize, tokens: Vec<Token>) -> Option<bool> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Fill(slot, tokens, reply)).ok()?;
        answer.await.ok()
    }

    /// Looks at the server.
    pub async fn look(&self) -> Option<Look> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Look(reply)).ok()?;
        answer.await.ok()
    }

    /// Empties the slots that do not work.
    pub async fn evict(&self) {
        let (reply, answer) = oneshot::channel();
        if self.asks.send(Ask::Evict(reply)).is_ok() {
            let _ = answer.await;
        }
    }
}

/// A way to `machine`, and the future that drives it and writes its log.
pub fn new(machine: Machine, log: Option<PathBuf>) -> (Runner, impl Future<Output = ()> + Send) {
    let (asks, asked) = mpsc::unbounded_channel();
    (Runner { asks }, run(machine, asked, log))
}

/// Adds lines to the log. Without a log they are lost, and a log that cannot be written is none.
fn write(log: Option<&Path>, lines: &[String]) {
    let (Some(log), false) = (log, lines.is_empty()) else { return };
    let file = std::fs::File::options().create(true).append(true).open(log);
    let written = file.and_then(|mut f| f.write_all(format!("{}\n", lines.join("\n")).as_bytes()));
    if let Err(error) = written {
        tracing::warn!("practice server: {}: {error}", log.display());
    }
}

/// The longest sleep; when nothing is due, it ends for nothing.
const IDLE: Duration = Duration::from_secs(3600);

async fn run(mut machine: Machine, mut asked: mpsc::UnboundedReceiver<Ask>, log: Option<PathBuf>) {
    let start = Instant::now();
    let now = || Moment::from_duration(start.elapsed());
    let mut listeners: HashMap<TaskId, mpsc::UnboundedSender<Notice>> = HashMap::new();
    loop {
        let due = machine.next().map(|at| at.since(Moment::default()));
        let latest = start.elapsed() + IDLE;
        let wake = start + due.map_or(latest, |due| due.min(latest));
        let notices = tokio::select! {
            ask = asked.recv() => match ask {
                None => return,
                Some(Ask::Cancel(id)) => {
                    listeners.remove(&id);
                    machine.cancel(now(), id)
                }
                Some(Ask::Submit(job, reply)) => {
                    let (id, notices) = machine.submit(now(), job);
                    let (tell, told) = mpsc::unbounded_channel();
                    listeners.insert(id, tell);
                    let _ = reply.send((id, told));
                    notices
                }
                Some(Ask::Held(slot, reply)) => {
                    let notices = machine.advance(now());
                    let _ = reply.send(machine.held(slot).map(<[Token]>::to_vec));
                    notices
                }
                Some(Ask::Fill(slot, tokens, reply)) => {
                    let notices = machine.advance(now());
                    let _ = reply.send(machine.fill(slot, tokens));
                    notices
                }
                Some(Ask::Look(reply)) => {
                    let notices = machine.advance(now());
                    let _ = reply.send(Look { slots: machine.view(), totals: machine.totals() });
                    notices
                }
                Some(Ask::Evict(reply)) => {
                    let notices = machine.evict(now());
                    let _ = reply.send(());
                    notices
                }
            },
            () = tokio::time::sleep_until(wake) => machine.advance(now()),
        };
        write(log.as_deref(), &machine.take_lines());
        for (id, notice) in notices {
            if let Some(listener) = listeners.get(&id) {
                let _ = listener.send(notice);
            }
            match notice {
                Notice::Started { .. } | Notice::Written(_) => {}
                Notice::TooLong { .. } | Notice::Finished { .. } => {
                    listeners.remove(&id);
                }
            }
        }
    }
}
