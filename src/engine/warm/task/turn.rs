//! What each turn and the session's end leave behind: the prompts that were sent, and the slot.

use std::time::Instant;

use tokio::time::{Duration, sleep};

use super::{
    super::{body, files::now, keeper::Label, store::Prompt},
    Task,
};
use crate::{
    domain::Kept,
    engine::{proxy::traffic::Sent, window::warm::LastSave},
};

/// Between two looks at a slot that is still at work after its client has gone.
const LOOK: Duration = Duration::from_millis(100);
/// Looks at the session's end; a server sees only then that its client has gone.
const LOOKS: usize = 30;

impl Task {
    /// A real prompt was counted.
    pub(super) fn counted(&mut self, total: u64, cached: u64) {
        self.held = true;
        let Some(sent) = self.last_main.borrow().clone() else { return };
        let fixed = self.learn(&sent);
        if let (Some(pending), Some(fixed)) = (self.pending.take(), fixed) {
            // Another start than the one that was saved proves nothing about the restore.
            if fixed.digest() == pending.entry.prefix {
                let shared = total.min(pending.entry.tokens);
                self.judge(&pending.entry, shared, cached);
            }
        }
    }

    /// Keeps the fixed prefix of a request that reached the server.
    pub(super) fn learn(&self, sent: &Sent) -> Option<Prompt> {
        let text = std::str::from_utf8(&sent.body).ok()?;
        let mut prompt = self.prompt(body::fixed(text)?, sent.session.clone());
        let before = self.store.fixed(&self.settings.about);
        match before {
            Some(before) if before.body == prompt.body => return Some(before),
            Some(before) if before.digest() == prompt.digest() => prompt.tokens = before.tokens,
            Some(_) | None => {}
        }
        self.keep_fixed(&prompt);
        Some(prompt)
    }

    /// A turn ended: what was sent is kept, and after some calm the slot.
    pub(super) async fn ended(&mut self, tokens: u64) {
        self.turn = tokens;
        let Some(sent) = self.last_main.borrow().clone() else { return };
        self.keep_talk(&sent);
        sleep(self.settings.settle).await;
        self.save_talk(false).await;
    }

    pub(super) fn keep_talk(&self, sent: &Sent) {
        let text = std::str::from_utf8(&sent.body).ok();
        let Some(whole) = text.and_then(body::whole) else { return };
        if let Err(e) = self.store.keep_talk(&self.prompt(whole, sent.session.clone())) {
            tracing::warn!("the conversation's last request is not kept: {e}");
        }
    }

    /// Saves the conversation's slot when it is worth it and nothing is under way.
    pub(super) async fn save_talk(&mut self, leaving: bool) {
        let Some(sent) = self.last_main.borrow().clone() else { return };
        // The last one is told as over a moment before it is counted so; a new one stops this.
        if !leaving && self.under_way.wait_for(|n| *n == 0).await.is_err() {
            return;
        }
        if !self.looked {
            // A request came before it was done, at the session's start.
            self.look().await;
        }
        if self.keeper.is_none() || self.turn == 0 || *self.under_way.borrow() > 0 {
            return;
        }
        let of_session = self.last_save.as_ref().filter(|(of, _)| *of == sent.session);
        let last = of_session.map(|(_, last)| *last);
        if !self.settings.pace.due(last, self.turn, now(), leaving) {
            return;
        }
        let text = std::str::from_utf8(&sent.body).ok();
        let Some(prefix) = text.and_then(body::fixed).map(|fixed| body::digest(&fixed)) else {
            return;
        };
        let (session, tokens) = (sent.session.clone(), self.turn);
        let started = Instant::now();
        let label = Label { kept: Kept::Conversation, session: session.clone(), prefix, tokens };
        if let Some(entry) = self.save(label).await {
            let seconds = started.elapsed().as_secs_f64();
            let save = LastSave { at: now(), tokens, bytes: entry.bytes, seconds };
            self.last_save = Some((session, save));
        }
    }

    /// The session ends: the conversation is saved as it stands.
    pub(super) async fn farewell(&mut self) {
        // The last request may have ended, or been given up, this very moment.
        if let Some(sent) = self.last_main.borrow().clone() {
            self.learn(&sent);
            self.keep_talk(&sent);
        }
        if !self.looked {
            self.look().await;
        }
        for _ in 0..LOOKS {
            let busy = match self.keeper.as_ref() {
                Some(keeper) => match keeper.slots.look().await {
                    Some(slots) => slots.iter().any(|slot| slot.busy),
                    None => return,
                },
                None => return,
            };
            if !busy && *self.under_way.borrow() == 0 {
                return self.save_talk(true).await;
            }
            sleep(LOOK).await;
        }
    }
}
