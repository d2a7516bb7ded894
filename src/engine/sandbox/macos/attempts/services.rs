//! Attempts 75 to 98: the terminal, and macOS's own services.

use super::{
    Case, elsewhere, harmless, profile, stopped,
    system::{bare, lookup},
};
use crate::engine::sandbox::macos::{evaluate::Attempt, places::Places};

const TERMINAL: &str = "the cockpit's emulator, which nothing passes unseen";

pub(super) fn cases(places: &Places) -> Vec<Case> {
    let mut cases = terminal(places);
    cases.extend(services(places));
    cases
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

fn services(places: &Places) -> Vec<Case> {
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
