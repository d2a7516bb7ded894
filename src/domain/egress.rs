//! An attempt to leave the sandbox, as it was seen and stopped.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One attempt, or several of one program at one destination in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// The program's name as the kernel has it; `None` where the proxy cannot tell who called.
    pub program: Option<String>,
    /// Where to: an address with its port, a kind of socket, or the target of an HTTP call; short
    /// and free of control characters.
    pub destination: String,
    /// How it was tried.
    pub how: EgressWay,
    /// How often.
    #[serde(default = "once")]
    pub times: u64,
}

const fn once() -> u64 {
    1
}

impl Egress {
    /// One attempt.
    pub fn new(program: Option<String>, destination: impl Into<String>, how: EgressWay) -> Self {
        Self { program, destination: destination.into(), how, times: 1 }
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.as_deref().unwrap_or("a call");
        write!(f, "{program} → {} ({})", self.destination, self.how.words())?;
        if self.times > 1 { write!(f, " ×{}", self.times) } else { Ok(()) }
    }
}

/// How a program tried to leave. Every one of them was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EgressWay {
    /// A connection to an address that is not lcc's.
    Connect,
    /// A socket of a kind that could leave: datagrams (and with them the look-up of names), raw
    /// packets, sockets of the system's services.
    Socket,
    /// Data sent together with the connection request, or to an address without a connection.
    Send,
    /// At the proxy: a tunnel (`CONNECT`).
    Tunnel,
    /// At the proxy: a whole URL as target, as a forwarding proxy takes it.
    AbsoluteTarget,
    /// At the proxy: a `Host` that is not this machine.
    ForeignHost,
    /// At the proxy: the `Origin` of a web page.
    ForeignOrigin,
    /// At the proxy: a path that is none of the model's API.
    UnknownPath,
}

impl EgressWay {
    /// Whether the proxy saw and stopped it; the rest the kernel did.
    #[must_use]
    pub const fn at_proxy(self) -> bool {
        match self {
            Self::Connect | Self::Socket | Self::Send => false,
            Self::Tunnel
            | Self::AbsoluteTarget
            | Self::ForeignHost
            | Self::ForeignOrigin
            | Self::UnknownPath => true,
        }
    }

    /// What was tried, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Connect => "connection",
            Self::Socket => "socket",
            Self::Send => "data without a connection",
            Self::Tunnel => "tunnel at the proxy",
            Self::AbsoluteTarget => "foreign URL at the proxy",
            Self::ForeignHost => "foreign host at the proxy",
            Self::ForeignOrigin => "web page at the proxy",
            Self::UnknownPath => "unknown path at the proxy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_in_words() {
        let mut egress = Egress::new(Some("curl".to_owned()), "127.0.0.77:80", EgressWay::Connect);
        assert_eq!(egress.to_string(), "curl → 127.0.0.77:80 (connection)");
        egress.times = 3;
        egress.program = None;
        assert_eq!(egress.to_string(), "a call → 127.0.0.77:80 (connection) ×3");
    }

    #[test]
    fn an_older_record_counts_once() {
        let text = r#"{"program":null,"destination":"/x","how":"unknown_path"}"#;
        let egress: Egress = serde_json::from_str(text).unwrap();
        assert_eq!(egress, Egress::new(None, "/x", EgressWay::UnknownPath));
    }
}
