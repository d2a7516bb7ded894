//! The way to a model server: chosen while the session stays answerable, tried again when asked.

use std::sync::Arc;

use tokio::{sync::mpsc, time::Interval};

use super::{
    Engine, learned,
    line::Line,
    room,
    server::{self, Chosen},
    settings::SessionSettings,
};
use crate::{
    engine::{access::Reach, metrics::Budget},
    protocol::{Command, NoticeLevel, Update},
};

impl Engine {
    /// Chooses the server while staying answerable; `false` when the user left meanwhile.
    pub(super) async fn find_server(
        &mut self,
        inbox: &mut mpsc::UnboundedReceiver<Command>,
        pulse: &mut Interval,
    ) -> bool {
        if let Some(warning) = self.settings.warning.clone() {
            self.notice(NoticeLevel::Warning, warning);
        }
        loop {
            match self.seek_server(inbox, pulse).await {
                None => return false,
                Some(Ok(())) => return true,
                Some(Err(message)) => {
                    self.push(Update::Failed { message });
                    if !self.linger(inbox).await {
                        return false;
                    }
                }
            }
        }
    }

    /// Chooses the server; `None` when the user left meanwhile, else whether there is a way to it.
    async fn seek_server(
        &mut self,
        inbox: &mut mpsc::UnboundedReceiver<Command>,
        pulse: &mut Interval,
    ) -> Option<Result<(), String>> {
        let client = self.settings.reach.clone();
        let settings = Arc::clone(&self.settings);
        let (say, mut said) = mpsc::unbounded_channel();
        let choosing = async {
            let SessionSettings { server, serve, practice, .. } = &*settings;
            server::choose(&client, server, serve.as_ref(), practice, |text| {
                let _ = say.send(text);
            })
            .await
        };
        tokio::pin!(choosing);
        let chosen = loop {
            tokio::select! {
                chosen = &mut choosing => break chosen,
                Some(text) = said.recv() => self.notice(NoticeLevel::Warning, text),
                command = inbox.recv() => match command {
                    Some(Command::Quit) | None => return None,
                    Some(Command::Resize { cols, rows }) => self.size = (cols, rows),
                    Some(Command::Files) => self.list_files(),
                    Some(
                        Command::Input(_)
                        | Command::Compact(_)
                        | Command::RestartFresh
                        | Command::Handover
                        | Command::StartWith(_)
                        | Command::Prompt(_)
                        | Command::Weigh { .. },
                    ) => {}
                },
                room = room(&self.updates), if !self.waiting.is_empty() => match room {
                    Some(room) => if let Some(update) = self.waiting.pop_front() { drop(room.send(update)) },
                    None => return None,
                },
                _ = pulse.tick() => self.send_figures(),
            }
        };
        let connected =
            chosen.map_err(|e| e.to_string()).and_then(|c| self.connect(client.clone(), c));
        Some(connected.map(|line| {
            for remark in line.plan.remarks() {
                self.notice(NoticeLevel::Info, remark);
            }
            self.line = Some(line);
        }))
    }

    /// Nothing can be started: keeps the message on screen until the user wants another try
    /// (`true`) or leaves.
    async fn linger(&mut self, inbox: &mut mpsc::UnboundedReceiver<Command>) -> bool {
        while let Some(update) = self.waiting.pop_front() {
            if self.updates.send(update).await.is_err() {
                return false;
            }
        }
        while let Some(command) = inbox.recv().await {
            match command {
                Command::Quit => return false,
                Command::RestartFresh => return true,
                Command::Resize { cols, rows } => self.size = (cols, rows),
                Command::Files => self.list_files(),
                Command::Input(_)
                | Command::Compact(_)
                | Command::Handover
                | Command::StartWith(_)
                | Command::Prompt(_)
                | Command::Weigh { .. } => {}
            }
        }
        false
    }

    fn connect(&mut self, client: Reach, chosen: Chosen) -> Result<Line, String> {
        let line = Line::draw(&self.settings, self.clock, &self.observe, client, chosen)?;
        self.meter.set_budget(Budget {
            output_reserve: line.plan.output,
            thinking_off: !self.settings.thinking,
            server_url: line.server.url.clone(),
            window: self.settings.window,
        });
        let folder = &self.settings.learned_dir;
        if let Some(curve) = learned::recall(folder, &line.server.facts, &line.plan.model) {
            self.meter.know(curve);
        }
        if let Some(ratio) = learned::recall_ratio(folder, &line.server.facts, &line.plan.model) {
            line.proxy.know_ratio(ratio);
        }
        Ok(line)
    }

    /// Keeps what was learned of the server's reading for the next session.
    pub(super) fn keep_learned(&self) {
        let Some(line) = &self.line else { return };
        let folder = &self.settings.learned_dir;
        let curve = self.meter.curve();
        if let Err(e) = learned::keep(folder, &line.server.facts, &line.plan.model, curve) {
            tracing::warn!("{}: {e}; the reading speed is not kept", folder.display());
        }
        let (facts, model, ratio) = (&line.server.facts, &line.plan.model, line.proxy.ratio());
        if let Err(e) = learned::keep_ratio(folder, facts, model, &ratio) {
            tracing::warn!("{}: {e}; the token counts are not kept", folder.display());
        }
    }
}
