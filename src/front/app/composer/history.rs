//! The prompts that were sent in this session, and the draft that was left for them.

/// So many are kept.
const KEPT: usize = 100;

/// Prompts, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    sent: Vec<String>,
    /// Which one is shown, and the draft that was there before.
    shown: Option<(usize, String)>,
}

impl History {
    /// A prompt was sent.
    pub(super) fn add(&mut self, text: String) {
        self.shown = None;
        self.sent.retain(|known| *known != text);
        self.sent.push(text);
        if self.sent.len() > KEPT {
            self.sent.remove(0);
        }
    }

    /// The one before what is shown; `draft` is kept when it was nothing of the history.
    pub(super) fn older(&mut self, draft: String) -> Option<String> {
        let at = match self.shown.take() {
            None => self.sent.len().checked_sub(1).map(|at| (at, draft)),
            Some((at, draft)) => Some((at.saturating_sub(1), draft)),
        };
        self.shown = at;
        self.shown.as_ref().and_then(|(at, _)| self.sent.get(*at)).cloned()
    }

    /// The one after what is shown; the draft after the newest.
    pub(super) fn newer(&mut self) -> Option<String> {
        let (at, draft) = self.shown.take()?;
        let Some(text) = self.sent.get(at + 1) else { return Some(draft) };
        self.shown = Some((at + 1, draft));
        Some(text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_and_down_and_back_to_the_draft() {
        let mut history = History::default();
        assert_eq!(history.older("d".into()), None);
        assert_eq!(history.newer(), None);
        for text in ["one", "two", "one"] {
            history.add(text.to_owned());
        }
        assert_eq!(history.older("draft".into()).as_deref(), Some("one"));
        assert_eq!(history.older("one".into()).as_deref(), Some("two"));
        assert_eq!(history.older("two".into()).as_deref(), Some("two"));
        assert_eq!(history.newer().as_deref(), Some("one"));
        assert_eq!(history.newer().as_deref(), Some("draft"));
        assert_eq!(history.newer(), None);
    }
}
