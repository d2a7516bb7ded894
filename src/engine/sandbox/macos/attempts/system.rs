//! Attempts 41 to 98: processes, the kernel, the network, the terminal, and macOS's own services.

use super::{Case, Way, elsewhere, harmless, not_here, profile, stopped};
use crate::engine::sandbox::macos::{
    evaluate::{Attempt, Host},
    places::Places,
};

const LIMITS: &str = "the limits on resources and their watchdog";
const TERMINAL: &str = "the cockpit's emulator, which nothing passes unseen";
const LINUX: &str = "Linux's alone";

fn lookup(names: &[&str]) -> Vec<Way> {
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

fn bare(name: &'static str, operations: &[&'static str]) -> Vec<Way> {
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
    cases.extend(terminal(places));
    cases.extend(macos(places));
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

fn terminal(places: &Places) -> Vec<Case> {
    let own = places.terminal.as_ref().map(|path| path.display().to_string());
    let other =
        if own.as_deref() == Some("/dev/ttys000") { "/dev/ttys001" } else { "/dev/ttys000" };
    let mut cases: Vec<Case> = (75..=80).map(|number| elsewhere(number, TERMINAL)).collect();
    let ioctl = |path: &str| vec![Attempt::on("file-ioctl", path)];
    let mut typing = vec![stopped("type into another terminal", ioctl(other))];
    match own {
        Some(own) => typing.push(harmless(
            "type into the own terminal",
            "it is lcc's, and what is typed into it only Claude Code reads",
            ioctl(&own),
        )),
        None => typing.push(stopped("type into the caller's terminal", ioctl("/dev/tty"))),
    }
    cases.push(profile(81, typing));
    cases.push(profile(
        93,
        vec![
            stopped("write to another terminal", vec![Attempt::on("file-write-data", other)]),
            stopped("read another terminal", vec![Attempt::on("file-read-data", other)]),
            stopped("type into another terminal", ioctl(other)),
            harmless(
                "a terminal of one's own making",
                "the system marks it as the sandbox's",
                vec![
                    Attempt::on("file-write-data", "/dev/ttys077")
                        .with("extension", "com.apple.sandbox.pty"),
                ],
            ),
        ],
    ));
    cases
}

fn macos(places: &Places) -> Vec<Case> {
    let project = places.project.display();
    let home = places
        .user_home
        .as_ref()
        .map_or("/Users/somebody".to_owned(), |home| home.display().to_string());
    let u = |rest: &str| format!("{home}/{rest}");
    let p = |rest: &str| format!("{project}/{rest}");
    let create = |path: String| {
        stopped("have a program started later", vec![Attempt::on("file-write-create", path)])
    };
    vec![
        profile(82, {
            let mut ways = bare("have the desktop open something", &["lsopen"]);
            ways.extend(lookup(&[
                "com.apple.coreservices.launchservicesd",
                "com.apple.lsd.open",
                "com.apple.lsd.mapdb",
                "com.apple.CoreServices.coreservicesd",
                "com.apple.coreservices.quarantine-resolver",
            ]));
            ways
        }),
        profile(83, {
            let mut ways = bare("control another program", &["appleevent-send"]);
            ways.extend(lookup(&["com.apple.coreservices.appleevents", "com.apple.tccd"]));
            ways
        }),
        profile(84, {
            let mut ways =
                bare("submit a job", &["job-creation", "mach-bootstrap", "mach-register"]);
            ways.extend([
                create(u("Library/LaunchAgents/x.plist")),
                create("/Library/LaunchDaemons/x.plist".to_owned()),
                create("/private/var/at/jobs/x".to_owned()),
                create("/private/var/at/tabs/ada".to_owned()),
            ]);
            ways.extend(lookup(&["com.apple.xpc.smd"]));
            ways
        }),
        profile(85, {
            let mut ways = lookup(&[
                "com.apple.SecurityServer",
                "com.apple.securityd",
                "com.apple.securityd.xpc",
                "com.apple.secd",
                "com.apple.security.agent",
                "com.apple.security.authhost",
                "com.apple.CoreAuthentication.daemon",
            ]);
            ways.extend(bare("obtain a right", &["authorization-right-obtain"]));
            ways.push(stopped(
                "read the keychain's file",
                vec![Attempt::on("file-read-data", u("Library/Keychains/login.keychain-db"))],
            ));
            ways
        }),
        profile(86, {
            let mut ways = lookup(&[
                "com.apple.pasteboard.1",
                "com.apple.windowserver.active",
                "com.apple.windowserver.session",
                "com.apple.distributed_notifications@Uv3",
            ]);
            ways.extend(bare(
                "camera, microphone, notifications",
                &[
                    "device-camera",
                    "device-microphone",
                    "distributed-notification-post",
                    "hid-control",
                ],
            ));
            ways.push(stopped(
                "draw on the screen",
                vec![Attempt::named(
                    "iokit-open",
                    "iokit-user-client-class",
                    "IOSurfaceRootUserClient",
                )],
            ));
            ways
        }),
        profile(
            87,
            lookup(&[
                "com.apple.nsurlsessiond",
                "com.apple.trustd",
                "com.apple.trustd.agent",
                "com.apple.ocspd",
                "com.apple.networkd",
            ]),
        ),
        profile(88, lookup(&["com.apple.metadata.mds", "com.apple.metadata.mds.legacy"])),
        profile(89, {
            let mut ways = lookup(&["com.apple.DiskArbitration.diskarbitrationd"]);
            ways.push(stopped("mount the devices", vec![Attempt::on("file-mount", p("m"))]));
            ways
        }),
        profile(90, {
            let mut ways =
                lookup(&["com.docker.vmnetd", "dev.orbstack.OrbStack", "dev.kdrag0n.MacVirt.x"]);
            ways.push(stopped(
                "ask a container's daemon",
                vec![Attempt::on("network-outbound", u(".orbstack/run/docker.sock"))],
            ));
            ways
        }),
        elsewhere(91, "sandbox-exec refuses with 71, and the start takes that for a failure"),
        profile(
            92,
            vec![
                harmless(
                    "load a library of the project",
                    "it gets what the program has",
                    vec![Attempt::on("file-map-executable", p("addon.node"))],
                ),
                stopped(
                    "load a library from elsewhere",
                    vec![Attempt::on("file-map-executable", u("evil.dylib"))],
                ),
                stopped(
                    "run a program from elsewhere",
                    vec![Attempt::on("process-exec", u("Applications/tool"))],
                ),
            ],
        ),
        profile(
            94,
            vec![
                stopped(
                    "read the user's caches",
                    vec![Attempt::on("file-read-data", "/private/var/folders/ab/cd/C/x")],
                ),
                stopped(
                    "poison xcrun's cache",
                    vec![Attempt::on("file-write-data", "/private/var/folders/ab/cd/T/xcrun_db")],
                ),
            ],
        ),
        profile(
            95,
            vec![harmless(
                "watch folders elsewhere",
                "events for what cannot be looked at are withheld; those of the project are needed",
                vec![Attempt::named("mach-lookup", "global-name", "com.apple.FSEvents")],
            )],
        ),
        profile(
            96,
            vec![
                stopped(
                    "size and date of a secret",
                    vec![Attempt::on("file-read-metadata", u(".ssh/id_ed25519"))],
                ),
                stopped(
                    "whether a file is there",
                    vec![Attempt::on("file-test-existence", u(".aws/credentials"))],
                ),
                stopped(
                    "the names in your home",
                    vec![Attempt::on("file-read-data", home.clone())],
                ),
                stopped(
                    "attributes of a file",
                    vec![Attempt::on("file-read-xattr", u("Downloads/x.dmg"))],
                ),
            ],
        ),
        profile(
            97,
            vec![
                stopped(
                    "clone a file outside into the project",
                    vec![
                        Attempt::on("file-read-data", u(".ssh/id_ed25519")),
                        Attempt::on("file-write-create", p("clone")),
                    ],
                ),
                stopped(
                    "link a file outside into the project",
                    vec![
                        Attempt::on("file-link", u(".ssh/id_ed25519")),
                        Attempt::on("file-write-create", p("hl")),
                    ],
                ),
            ],
        ),
        profile(
            98,
            [
                "com.apple.app-sandbox.read",
                "com.apple.app-sandbox.read-write",
                "com.apple.sandbox.executable",
                "com.apple.librarian.ubiquity-container",
            ]
            .iter()
            .flat_map(|class| {
                ["file-read-data", "file-write-data"].map(|operation| {
                    stopped(
                        "use a token that another program was given",
                        vec![Attempt::on(operation, u("Documents/x")).with("extension", *class)],
                    )
                })
            })
            .chain(bare("hand out tokens", &["file-issue-extension", "generic-issue-extension"]))
            .collect(),
        ),
    ]
}
