//! The machine's memory, and whether the server is still the same process.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::domain::Event;

use super::{super::machine::Machine, Report};

/// Between looks at the machine.
const LOOK: Duration = Duration::from_secs(2);

pub(super) async fn follow(mut machine: Machine, report: &Report) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let look = tokio::task::spawn_blocking(move || {
            let event = machine.look();
            (machine, event)
        });
        match look.await {
            Ok((back, event)) => {
                machine = back;
                report.send(event);
                if machine.is_another() {
                    let sign = "another process serves its port".to_owned();
                    report.send(Event::ServerRestarted { sign });
                }
            }
            // The runtime is going down.
            Err(_) => return std::future::pending().await,
        }
    }
}
