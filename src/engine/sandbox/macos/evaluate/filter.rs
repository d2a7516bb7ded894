//! Whether a filter of a rule matches one attempt.

use super::{Attempt, Host, pattern::Pattern};

/// Filters that compare one word of an attempt, by their names in the language.
pub(super) const KINDS: [&str; 20] = [
    "global-name",
    "local-name",
    "xpc-service-name",
    "sysctl-name",
    "ipc-posix-name",
    "iokit-user-client-class",
    "iokit-registry-entry-class",
    "iokit-connection",
    "iokit-property",
    "preference-domain",
    "right-name",
    "fsctl-command",
    "appleevent-destination",
    "extension",
    "extension-class",
    "target",
    "vnode-type",
    "socket-domain",
    "socket-type",
    "socket-protocol",
];

/// How a text is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// It is this.
    Exact(String),
    /// It begins with this.
    Prefix(String),
    /// It is this path or lies below it.
    Under(String),
    /// It is a folder above this path.
    Above(String),
    /// It matches.
    Pattern(Pattern),
}

impl Test {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => text == wanted,
            Self::Prefix(wanted) => text.starts_with(wanted.as_str()),
            Self::Under(wanted) => under(text, wanted),
            Self::Above(wanted) => text != wanted && under(wanted, text),
            Self::Pattern(pattern) => pattern.matches(text),
        }
    }
}

fn under(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// All match.
    All(Vec<Filter>),
    /// One matches at least.
    Any(Vec<Filter>),
    /// It does not match.
    Not(Box<Filter>),
    /// The path is like this.
    Path(Test),
    /// A word of this kind is like this.
    Word(String, Test),
    /// The far end of a connection: `localhost` or anything, a port or any.
    Remote { transport: String, local: bool, port: Option<u16> },
    /// A unix socket.
    UnixSocket,
    /// The near end of a connection. On the way out it matches every connection.
    Local { local: bool, port: Option<u16> },
    /// A filter that is not known here.
    Unknown,
}

impl Filter {
    /// Adds the trees that alternatives name; what is limited further is left out.
    pub(super) fn trees(&self, found: &mut Vec<String>) {
        match self {
            Self::Any(filters) => {
                for filter in filters {
                    filter.trees(found);
                }
            }
            Self::Path(Test::Under(folder)) => found.push(folder.clone()),
            Self::Path(Test::Exact(_) | Test::Prefix(_) | Test::Above(_) | Test::Pattern(_))
            | Self::All(_)
            | Self::Not(_)
            | Self::Word(..)
            | Self::Remote { .. }
            | Self::UnixSocket
            | Self::Local { .. }
            | Self::Unknown => {}
        }
    }

    /// Whether it matches; `None`: nobody can say.
    pub(super) fn matches(&self, attempt: &Attempt) -> Option<bool> {
        match self {
            Self::All(filters) => {
                let mut all = Some(true);
                for filter in filters {
                    match filter.matches(attempt) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => all = None,
                    }
                }
                all
            }
            Self::Any(filters) => {
                let mut any = Some(false);
                for filter in filters {
                    match filter.matches(attempt) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => any = None,
                    }
                }
                any
            }
            Self::Not(filter) => filter.matches(attempt).map(|matches| !matches),
            Self::Path(test) => Some(attempt.path.as_ref().is_some_and(|path| test.matches(path))),
            Self::Word(kind, test) => {
                Some(attempt.words.iter().any(|(known, word)| known == kind && test.matches(word)))
            }
            Self::Remote { transport, local, port } => {
                Some(attempt.remote.as_ref().is_some_and(|remote| {
                    // `localhost` is 127.0.0.1 and ::1, but not an IPv4 address within IPv6.
                    (transport == "ip" || transport == remote.transport)
                        && (!local || remote.host == Host::Loopback)
                        && port.is_none_or(|port| port == remote.port)
                }))
            }
            Self::UnixSocket => Some(attempt.remote.is_none() && attempt.path.is_some()),
            Self::Local { local, port } => {
                if attempt.operation == "network-outbound" {
                    return Some(true);
                }
                Some(attempt.remote.as_ref().is_some_and(|near| {
                    (!local || near.host == Host::Loopback)
                        && port.is_none_or(|port| port == near.port)
                }))
            }
            Self::Unknown => None,
        }
    }
}
