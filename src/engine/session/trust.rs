//! The files that other programs trust, looked at before Claude Code starts and after it ended.

use super::Engine;
use crate::{
    engine::sandbox::manifest::keep::{Review, Watch},
    protocol::NoticeLevel,
};

/// The session's watch over them; it begins with the first Claude Code and ends with the session.
#[derive(Debug, Default)]
pub(super) struct Trust {
    watch: Option<Watch>,
}

impl Engine {
    /// Looks at the project before anything of Claude Code runs in it.
    pub(super) async fn trust_begins(&mut self) {
        if self.trust.watch.is_some() {
            return;
        }
        let settings = std::sync::Arc::clone(&self.settings);
        let begun = tokio::task::spawn_blocking(move || {
            let folder = settings.home.parent().unwrap_or(&settings.home);
            Watch::begin(&settings.project, folder, &settings.id, settings.tier)
        })
        .await;
        let begun = begun.map_err(std::io::Error::other).and_then(|begun| begun);
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
        let Some(watch) = self.trust.watch.take() else { return };
        let ended = tokio::task::spawn_blocking(move || watch.end()).await;
        match ended {
            Ok(Ok(review)) => {
                tracing::info!("{} files that others trust changed", review.changes.len());
            }
            Ok(Err(error)) => tracing::warn!("{error}; what the session changed is not known"),
            Err(error) => tracing::warn!("{error}; what the session changed is not known"),
        }
    }
}
