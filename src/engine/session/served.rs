//! A model server of the session's own: started before Claude Code, ended after it.

use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    domain::ServerFacts,
    engine::{
        access::Reach,
        backend,
        server::{self, Limits, Log, MOST_BYTES, Report, ServeSettings, Supervised, Supervision},
    },
    protocol::NoticeLevel,
};

/// Looks at a server that says it is ready, before it is called a failure.
const LOOKS: usize = 5;

/// The server and what its supervisor tells.
pub(super) struct Served {
    supervised: Supervised,
    reports: UnboundedReceiver<Report>,
}

impl Served {
    /// What happened since the last look.
    pub(super) fn news(&mut self) -> Vec<(NoticeLevel, String)> {
        std::iter::from_fn(|| self.reports.try_recv().ok())
            .filter_map(|report| level(&report).map(|level| (level, report.to_string())))
            .collect()
    }

    /// Ends it, unless it is to be kept.
    pub(super) async fn end(self) {
        self.supervised.end().await;
    }
}

/// How a report is told while the session runs; `None`: it is not.
const fn level(report: &Report) -> Option<NoticeLevel> {
    match report {
        Report::Ready { .. } => Some(NoticeLevel::Info),
        Report::Died { .. } | Report::GivenUp { .. } => Some(NoticeLevel::Warning),
        Report::Started { .. } | Report::Loading { .. } | Report::Ended => None,
    }
}

/// Where the server listens once it is started.
pub(super) fn url(settings: &ServeSettings) -> String {
    let wish = &settings.wish;
    format!("http://127.0.0.1:{}", wish.port.unwrap_or_else(|| wish.kind().port()))
}

/// Starts the server and waits until it is ready; `None` when it cannot be had, which was said.
pub(super) async fn start(
    client: &Reach,
    settings: &ServeSettings,
    say: &impl Fn(String),
) -> Option<(Served, ServerFacts)> {
    let plan = match server::prepare(&settings.wish, &settings.places).await {
        Ok(plan) => plan,
        Err(e) => {
            say(format!("no model server was started: {e}. The practice server plays instead"));
            return None;
        }
    };
    say(format!("starting {} and loading its model", plan.kind));
    let url = plan.url();
    let what = Supervision {
        plan,
        log: Log::new(settings.log(), MOST_BYTES),
        limits: Limits::default(),
        keep: settings.keep,
    };
    let (supervised, mut reports) = server::supervise(client.client().clone(), what);
    while let Some(report) = reports.recv().await {
        match report {
            Report::Started { .. } | Report::Loading { .. } => {}
            Report::Ready { .. } => {
                say(report.to_string());
                for _ in 0..LOOKS {
                    if let Ok(facts) = backend::identify(client, &url).await
                        && !facts.loading
                    {
                        return Some((Served { supervised, reports }, facts));
                    }
                }
            }
            Report::Died { .. } => say(report.to_string()),
            Report::GivenUp { .. } => {
                say(format!("{report}\nThe practice server plays instead"));
                return None;
            }
            Report::Ended => return None,
        }
    }
    None
}
