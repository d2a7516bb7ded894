//! The limits of every process inside, as data: they keep an accident small.

use serde::{Deserialize, Serialize};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    /// Bytes of a memory image after a crash.
    Core,
    /// Bytes of a file; a longer write fails with `EFBIG`.
    FileSize,
    /// Bytes of memory that may be locked.
    LockedMemory,
    /// Bytes in POSIX message queues, which outlive a process.
    MessageQueues,
    /// Open descriptors of a process.
    OpenFiles,
    /// Processes of the user in this user namespace; not held for user 0 of the host.
    Processes,
    /// The highest real-time priority.
    RealTime,
}

/// A limit; a lower one of the caller's stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// The most there may be of it.
    pub most: u64,
}

/// The limits of the strict tier. Address space is none of them: programs with WebAssembly reserve
/// far more of it than they use.
pub const LIMITS: [Limit; 7] = [
    Limit { resource: Resource::Core, most: 0 },
    Limit { resource: Resource::FileSize, most: 4 << 30 },
    Limit { resource: Resource::LockedMemory, most: 8 << 20 },
    Limit { resource: Resource::MessageQueues, most: 1 << 20 },
    Limit { resource: Resource::OpenFiles, most: 65_536 },
    Limit { resource: Resource::Processes, most: 4096 },
    Limit { resource: Resource::RealTime, most: 0 },
];
