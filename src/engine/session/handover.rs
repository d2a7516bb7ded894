//! Handing over to a fresh session: the note is prepared, texts are weighed, prompts are sent.

use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::{Conversation, Engine, git, new_conversation, submission::Submission};
use crate::{
    domain::{ChangedFile, Event, Observation, Phase, RequestKind, Transcript},
    engine::{
        claude::{
            LONGEST_PROMPT,
            transcript::{self, TranscriptError},
        },
        proxy::Proxy,
        window::handover::{self, LIMIT, Material, Note},
    },
    protocol::{Handover, Notice, NoticeLevel, Update},
};

/// How often a note is written anew until the server's own count is within the limit.
const ROUNDS: u32 = 6;
/// After so many texts without an answer the server is taken to have no tokenizer.
const MISSES: u32 = 2;

/// What the engine keeps for it.
#[derive(Debug, Default)]
pub(super) struct Handing {
    /// Claude Code's id of the conversation that is open; `None`: the last one of the project.
    session: Option<String>,
    /// Prompts on their way to Claude Code.
    submission: Submission,
    /// Where texts to weigh go.
    scales: Option<watch::Sender<Weighing>>,
}

/// A text to weigh.
#[derive(Debug, Clone, Default)]
struct Weighing {
    revision: u64,
    text: String,
    /// Tokens per byte, should the server not count.
    per_byte: f64,
}

impl Handing {
    /// Which conversation is open: told at the start of Claude Code, and by every request of it,
    /// since `/clear` and `/resume` open another one.
    pub(super) fn observe(&mut self, observation: &Observation) {
        match &observation.event {
            Event::ChildStarted { session } => {
                self.session = Some(session.clone()).filter(|id| id != "last");
            }
            Event::RequestStarted { kind: RequestKind::Main, session: Some(id), .. } => {
                self.session = Some(id.clone());
            }
            _ => {}
        }
    }
}

impl Engine {
    /// Writes the note beside the loop; it comes as an update of its own.
    pub(super) fn hand_over(&self) {
        let Some(line) = &self.line else { return };
        let asking = Asking {
            home: self.settings.home.clone(),
            project: self.settings.project.clone(),
            path: self.settings.surroundings.path.clone(),
            session: self.handing.session.clone(),
            per_byte: self.meter.tokens_per_byte(),
            proxy: line.proxy.clone(),
        };
        let updates = self.updates.clone();
        tokio::spawn(async move {
            let update = match asking.answer().await {
                Ok(handover) => Update::Handover(handover),
                Err((level, text)) => Update::Notice(Notice { level, text }),
            };
            let _ = updates.send(update).await;
        });
    }

    /// Ends Claude Code and starts it again with this first prompt. Nothing of the old
    /// conversation is lost: Claude Code keeps each under its own id.
    pub(super) async fn start_with(&mut self, prompt: String) {
        if prompt.len() > LONGEST_PROMPT {
            let most = LONGEST_PROMPT / 1024;
            let text = format!("not started: the note is over {most} KB");
            self.notice(NoticeLevel::Warning, text);
            return;
        }
        self.restart(Some(prompt)).await;
    }

    /// Sends a paste and Enter once Claude Code is idle.
    pub(super) fn submit(&mut self, paste: Bytes) {
        if self.life.is_none() {
            let text =
                "not sent: Claude Code does not run. F5 starts it, F7 and ↑ bring the text back";
            self.notice(NoticeLevel::Warning, text.to_owned());
            return;
        }
        self.handing.submission.add(paste);
    }

    /// The next keys of a prompt that is on its way. A compaction goes first.
    pub(super) fn submission_step(&mut self) {
        if !self.handing.submission.is_pending() || self.compaction.is_pending() {
            return;
        }
        let phase = self.phase();
        if phase == Phase::Stopped || self.life.is_none() {
            self.drop_submissions();
        } else if let Some(keys) = self.handing.submission.step(phase, self.clock.now())
            && let Some(life) = &self.life
        {
            life.input(keys);
        }
    }

    /// Claude Code is gone: what was not sent to it will not go to the next one.
    pub(super) fn drop_submissions(&mut self) {
        if self.handing.submission.give_up() > 0 {
            let text = "a prompt was not sent: Claude Code ended before. F7 and ↑ bring it back";
            self.notice(NoticeLevel::Warning, text.to_owned());
        }
    }

    /// Weighs a text beside the loop; of several the newest.
    pub(super) fn weigh(&mut self, revision: u64, text: String) {
        let Some(line) = &self.line else { return };
        let weighing = Weighing { revision, text, per_byte: self.meter.tokens_per_byte() };
        let scales = self.handing.scales.get_or_insert_with(|| {
            let (scales, texts) = watch::channel(Weighing::default());
            tokio::spawn(weigh(line.proxy.clone(), texts, self.updates.clone()));
            scales
        });
        scales.send_replace(weighing);
    }

    /// A conversation of its own, empty but for this first prompt.
    pub(super) fn fresh() -> Conversation {
        Conversation::New(new_conversation())
    }
}

/// Weighs the newest text, again and again, until the engine or the front is gone.
async fn weigh(proxy: Proxy, mut texts: watch::Receiver<Weighing>, updates: mpsc::Sender<Update>) {
    let mut misses = 0;
    while texts.changed().await.is_ok() {
        let Weighing { revision, text, per_byte } = texts.borrow_and_update().clone();
        let counted = if misses < MISSES { proxy.weigh(&text).await } else { None };
        misses = if counted.is_some() { 0 } else { misses + 1 };
        let tokens = counted.unwrap_or_else(|| handover::estimate(&text, per_byte));
        let update = Update::Weighed { revision, tokens, estimated: counted.is_none() };
        if updates.send(update).await.is_err() {
            return;
        }
    }
}

/// What a note is prepared from.
struct Asking {
    home: PathBuf,
    project: PathBuf,
    /// Where git is looked for.
    path: Option<String>,
    session: Option<String>,
    per_byte: f64,
    proxy: Proxy,
}

impl Asking {
    /// The note, or why there is none.
    async fn answer(self) -> Result<Handover, (NoticeLevel, String)> {
        let nothing = || {
            let text = "nothing to hand over yet: nothing was said in this session";
            (NoticeLevel::Info, text.to_owned())
        };
        let (transcript, changed) = self.read().await;
        let transcript = transcript.map_err(|e| match e {
            TranscriptError::Nothing => nothing(),
            TranscriptError::Io { .. } => {
                (NoticeLevel::Warning, format!("no note: {e}; F5 starts without one"))
            }
        })?;
        let project = self.project.display().to_string();
        let material = handover::gather(&transcript, changed, &project).ok_or_else(nothing)?;
        let (note, estimated) = self.write(&material).await;
        Ok(Handover {
            text: note.text,
            tokens: note.tokens,
            estimated,
            session: transcript.session,
            broken: transcript.broken,
        })
    }

    /// The transcript and what git says, at the same time.
    async fn read(&self) -> (Result<Transcript, TranscriptError>, Option<Vec<ChangedFile>>) {
        let (home, session) = (self.home.clone(), self.session.clone());
        let reading =
            tokio::task::spawn_blocking(move || transcript::read(&home, session.as_deref()));
        let (read, changed) =
            tokio::join!(reading, git::changed(&self.project, self.path.as_deref()));
        let failed = |e: tokio::task::JoinError| TranscriptError::Io {
            path: self.home.display().to_string(),
            source: std::io::Error::other(e),
        };
        (read.map_err(failed).and_then(|read| read), changed)
    }

    /// The note in what the server's own tokenizer makes of it, where it has one; whether its
    /// weight is an estimate.
    #[expect(clippy::cast_precision_loss, reason = "a few thousand tokens")]
    async fn write(&self, material: &Material) -> (Note, bool) {
        let mut per_byte = self.per_byte;
        let mut note = handover::note(material, LIMIT, per_byte);
        for round in 0..ROUNDS {
            let Some(counted) = self.proxy.weigh(&note.text).await else { return (note, true) };
            // Nothing was cut, or what was cut is cut to the server's own scale.
            let settled = round > 0 || note.tokens < LIMIT * 9 / 10 || counted > LIMIT * 17 / 20;
            if counted <= LIMIT && settled {
                return (Note { tokens: counted, ..note }, false);
            }
            per_byte *= 1.02 * counted as f64 / note.tokens.max(1) as f64;
            note = handover::note(material, LIMIT, per_byte);
        }
        (note, true)
    }
}
