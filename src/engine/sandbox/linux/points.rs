//! Named points of the start at which a test build can be made to die.

/// Every point, in the order of the start.
pub const POINTS: [&str; 11] = [
    "joined",
    "placeholders-planned",
    "placeholders-made",
    "placeholders-recorded",
    "placeholders-named",
    "canaries-planted",
    "verified",
    "spawned",
    "socket-taken",
    "probes-judged",
    "started",
];

/// Ends this process as `kill -9` would, if `LCC_TEST_STOP_AT` names the point.
#[cfg(debug_assertions)]
pub fn stop_at(point: &str) {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    debug_assert!(POINTS.contains(&point), "{point} is no point");
    if std::env::var_os("LCC_TEST_STOP_AT").is_some_and(|at| at == point) {
        let _never_returns = kill(Pid::this(), Signal::SIGKILL);
    }
}

/// Nothing, outside of test builds.
#[cfg(not(debug_assertions))]
pub const fn stop_at(_: &str) {}
