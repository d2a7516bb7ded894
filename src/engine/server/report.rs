//! What the supervisor tells: plain values with a sentence each.

use std::{fmt, path::PathBuf, time::Duration};

use super::cause::Cause;

/// News of a supervised server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The process was started.
    Started {
        /// Its process id, which is its group's too.
        pid: u32,
    },
    /// It is not ready yet; comes once a second.
    Loading {
        /// Since the process was started.
        since: Duration,
        /// Resident bytes of the process; `None` where the system does not tell.
        memory: Option<u64>,
    },
    /// It answers and has its model.
    Ready {
        /// From the start of the process.
        after: Duration,
    },
    /// It died and is started again.
    Died {
        /// How, e.g. `ended by signal 9`.
        how: String,
        /// Why, most likely.
        cause: Cause,
        /// It is started again after so long.
        again: Duration,
    },
    /// It is not started again.
    GivenUp {
        /// How it died last.
        how: String,
        /// Why, most likely.
        cause: Cause,
        /// The last lines of its log.
        lines: Vec<String>,
        /// Its log.
        log: PathBuf,
    },
    /// It was ended as asked.
    Ended,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { pid } => write!(f, "the model server is started (process {pid})"),
            Self::Loading { since, memory } => {
                write!(f, "loading… {} s", since.as_secs())?;
                match memory {
                    Some(bytes) => write!(f, ", {} MiB", bytes >> 20),
                    None => Ok(()),
                }
            }
            Self::Ready { after } => {
                write!(f, "the model server is ready after {:.1} s", after.as_secs_f64())
            }
            Self::Died { how, cause, again } => write!(
                f,
                "the model server {how}: {cause}. It is started again in {:.1} s",
                again.as_secs_f64()
            ),
            Self::GivenUp { how, cause, lines, log } => {
                write!(f, "the model server {how} and is not started again: {cause}.")?;
                if !lines.is_empty() {
                    write!(f, " The end of {}:", log.display())?;
                }
                for line in lines {
                    write!(f, "\n  {line}")?;
                }
                Ok(())
            }
            Self::Ended => f.write_str("the model server has ended"),
        }
    }
}
