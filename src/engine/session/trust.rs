//! The files that other programs trust, looked at before Claude Code starts and after it ended.

use std::{io, sync::Arc};

use tokio::task::{JoinHandle, spawn_blocking};

use super::{Engine, SessionSettings};
use crate::{
    engine::sandbox::manifest::keep::{Review, Watch},
    protocol::NoticeLevel,
};

type Begun = io::Result<(Watch, Vec<Review>)>;

/// The session's watch over them; it begins before the first Claude Code and ends with the
/// session.
#[derive(Debug, Default)]
pub(super) struct Trust {
    looking: Option<JoinHandle<Begun>>,
    watch: Option<Watch>,
}

impl Trust {
    /// Starts to look at once, while the server is still being looked for.
    pub(super) fn look(settings: &Arc<SessionSettings>) -> Self {
        let settings = Arc::clone(settings);
        let looking = spawn_blocking(move || {
            let folder = settings.home.parent().unwrap_or(&settings.home);
            Watch::begin(&settings.project, folder, &settings.id, settings.tier)
        });
        Self { looking: Some(looking), watch: None }
    }
}

impl Engine {
    /// Waits until the project has been looked at: nothing of Claude Code runs before that.
    pub(super) async fn trust_begins(&mut self) {
        let Some(looking) = self.trust.looking.take() else { return };
        let begun = looking.await;
        let begun = begun.map_err(io::Error::other).and_then(|begun| begun);
        match begun {
            Ok((watch, cut_off)) => {
                let manifest = watch.manifest();
                let notes: Vec<String> = self
                    .settings
                    .outfit
                    .notes
                    .iter()
                    .cloned()
                    .chain(manifest.linked.note(manifest.cut))
                    .collect();
                for note in notes {
                    self.notice(NoticeLevel::Info, note);
                }
                for review in cut_off {
                    self.cut_off(&review);
                }
                self.trust.watch = Some(watch);
            }
            Err(error) => self.notice(
                NoticeLevel::Warning,
                format!("{error}; what this session changes will not be listed by lcc report"),
            ),
        }
    }

    fn cut_off(&mut self, review: &Review) {
        let session = &review.session;
        if let Some(alarm) = review.alarm() {
            self.notice(NoticeLevel::Error, format!("since session {session}, cut off: {alarm}"));
        } else if let Some(summary) = review.summary() {
            let text = format!("since session {session}, which was cut off: {summary}");
            self.notice(NoticeLevel::Warning, text);
        }
    }

    /// Looks again; the review is kept for the end message and `lcc report`.
    pub(super) async fn trust_ends(&mut self) {
        if let Some(looking) = self.trust.looking.take() {
            // Nothing of Claude Code ever ran.
            if let Ok(Ok((watch, _))) = looking.await {
                watch.forget();
            }
        }
        let Some(watch) = self.trust.watch.take() else { return };
        let ended = spawn_blocking(move || watch.end()).await;
        match ended {
            Ok(Ok(review)) => {
                tracing::info!("{} files that others trust changed", review.changes.len());
            }
            Ok(Err(error)) => tracing::warn!("{error}; what the session changed is not known"),
            Err(error) => tracing::warn!("{error}; what the session changed is not known"),
        }
    }
}
