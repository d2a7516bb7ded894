//! Attempts 41 to 74: processes, the kernel, the network.

use super::{Case, Way, elsewhere, harmless, not_here, profile, stopped};
use crate::engine::sandbox::macos::{
    evaluate::{Attempt, Host},
    places::Places,
};

const LIMITS: &str = "the limits on resources and their watchdog";
const LINUX: &str = "Linux's alone";

pub(super) fn lookup(names: &[&str]) -> Vec<Way> {
    names
        .iter()
        .map(|name| {
            stopped(
                "ask a service of the system",
                vec![Attempt::named("mach-lookup", "global-name", *name)],
            )
        })
        .collect()
}

pub(super) fn bare(name: &'static str, operations: &[&'static str]) -> Vec<Way> {
    operations.iter().map(|operation| stopped(name, vec![Attempt::bare(operation)])).collect()
}

fn socket(domain: &str, kind: &str) -> Way {
    stopped(
        "make a socket",
        vec![Attempt::named("system-socket", "socket-domain", domain).with("socket-type", kind)],
    )
}

pub(super) fn cases(places: &Places) -> Vec<Case> {
    let mut cases = vec![
        profile(
            41,
            vec![
                stopped(
                    "signal another process",
                    vec![Attempt::named("signal", "target", "others")],
                ),
                stopped(
                    "take its task port",
                    vec![Attempt::named("mach-priv-task-port", "target", "others")],
                ),
            ],
        ),
        profile(42, bare("trace own children by their task port", &["mach-priv-task-port"])),
        not_here(43, LINUX),
        not_here(44, LINUX),
        not_here(45, LINUX),
        elsewhere(46, "keys are 85's: the keychain's services"),
        profile(47, {
            let mut ways = bare("load into the kernel", &["system-kext-load", "system-privilege"]);
            ways.push(stopped(
                "trace with dtrace",
                vec![Attempt::on("file-read-data", "/dev/dtrace")],
            ));
            ways
        }),
        profile(48, {
            let mut ways = bare("set what the firmware keeps", &["nvram-set", "boot-arg-set"]);
            ways.push(stopped(
                "set a switch of the kernel",
                vec![Attempt::named("sysctl-write", "sysctl-name", "kern.corefile")],
            ));
            ways
        }),
        not_here(49, "there are no cgroups"),
        profile(
            50,
            vec![harmless(
                "run a program that was written a moment ago",
                "it runs in the same sandbox",
                vec![Attempt::on("process-exec", format!("{}/a.out", places.project.display()))],
            )],
        ),
        elsewhere(51, "the system runs no program with another user's rights in a sandbox"),
        elsewhere(52, "the start closes every descriptor above 2"),
        not_here(53, "the socket is lcc's own"),
        elsewhere(54, "the end sweeps the session's processes"),
        elsewhere(55, "the start's watcher ends the session's processes when lcc is gone"),
        elsewhere(56, LIMITS),
        elsewhere(57, LIMITS),
        elsewhere(58, LIMITS),
        elsewhere(59, LIMITS),
        elsewhere(60, LIMITS),
    ];
    cases.extend(network(places));
    cases
}

fn network(places: &Places) -> Vec<Case> {
    let out = |name, transport, host, port| {
        stopped(name, vec![Attempt::net("network-outbound", transport, host, port)])
    };
    let other_port = if places.port == 11_434 { 11_435 } else { 11_434 };
    let unix =
        |path: String| stopped("connect to a daemon", vec![Attempt::on("network-outbound", path)]);
    let project = places.project.display();
    vec![
        profile(
            61,
            vec![
                out("another port of this machine", "tcp", Host::Loopback, other_port),
                out("lcc's port by a mapped address", "tcp", Host::Other, places.port),
                harmless(
                    "lcc's own port",
                    "it is the one way there is; the proxy is behind it",
                    vec![Attempt::net("network-outbound", "tcp", Host::Loopback, places.port)],
                ),
            ],
        ),
        profile(
            62,
            vec![
                out("the local network and the Internet", "tcp", Host::Other, 443),
                out("a cloud's metadata", "tcp", Host::Other, 80),
                out("any port", "tcp", Host::Other, 22),
            ],
        ),
        profile(
            63,
            vec![
                out("UDP to the loopback address", "udp", Host::Loopback, places.port),
                out("UDP to anywhere", "udp", Host::Other, 53),
                socket("AF_INET", "SOCK_DGRAM"),
                socket("AF_INET6", "SOCK_DGRAM"),
            ],
        ),
        profile(64, {
            let mut ways = lookup(&[
                "com.apple.mDNSResponder",
                "com.apple.dnssd.service",
                "com.apple.SystemConfiguration.DNSConfiguration",
                "com.apple.SystemConfiguration.configd",
            ]);
            ways.push(unix("/private/var/run/mDNSResponder".to_owned()));
            ways.push(out("ask a name server", "udp", Host::Other, 53));
            ways
        }),
        profile(
            65,
            vec![
                socket("AF_INET", "SOCK_RAW"),
                socket("AF_SYSTEM", "SOCK_DGRAM"),
                socket("AF_NDRV", "SOCK_RAW"),
                socket("AF_ROUTE", "SOCK_RAW"),
                socket("AF_VSOCK", "SOCK_STREAM"),
            ],
        ),
        profile(66, vec![out("data with the connection request", "tcp", Host::Other, 443)]),
        profile(
            67,
            vec![
                stopped("listen", vec![Attempt::net("network-bind", "tcp", Host::Loopback, 3000)]),
                stopped(
                    "listen everywhere",
                    vec![Attempt::net("network-bind", "tcp", Host::Other, 0)],
                ),
                stopped(
                    "be connected to",
                    vec![Attempt::net("network-inbound", "tcp", Host::Loopback, 3000)],
                ),
            ],
        ),
        profile(
            68,
            [
                "/private/var/run/docker.sock",
                "/private/tmp/com.apple.launchd.x/Listeners",
                "/private/var/run/com.apple.launchd.x/Listeners",
                "/private/tmp/tmux-501/default",
                "/Users/ada/.gnupg/S.gpg-agent",
            ]
            .iter()
            .map(|path| unix((*path).to_owned()))
            .collect(),
        ),
        profile(69, vec![unix(format!("{project}/daemon.sock")), socket("AF_UNIX", "SOCK_STREAM")]),
        not_here(70, "there are no abstract sockets"),
        profile(71, vec![socket("AF_UNIX", "SOCK_DGRAM")]),
        elsewhere(72, "the proxy"),
        elsewhere(73, "the proxy, which records every request"),
        elsewhere(74, "the environment of the child, and its own settings folder"),
    ]
}
