//! Attempts 1 to 23: files outside.

use super::{Case, Way, elsewhere, harmless, not_here, profile, stopped, trusted};
use crate::engine::sandbox::macos::{evaluate::Attempt, places::Places};

/// Makes or overwrites a file.
pub(super) fn write(path: &str) -> Vec<Attempt> {
    vec![Attempt::on("file-write-create", path), Attempt::on("file-write-data", path)]
}

/// Each way to change what is there: any of them is enough, so each is a way of its own.
fn change(name: &'static str, path: &str) -> Vec<Way> {
    [
        "file-write-data",
        "file-write-create",
        "file-write-unlink",
        "file-write-mode",
        "file-write-owner",
        "file-write-flags",
        "file-write-times",
        "file-write-xattr",
        "file-link",
    ]
    .iter()
    .map(|operation| stopped(name, vec![Attempt::on(operation, path)]))
    .collect()
}

pub(super) fn changes(name: &'static str, paths: &[String]) -> Vec<Way> {
    paths.iter().flat_map(|path| change(name, path)).collect()
}

/// A rename: the old name goes, the new one comes.
pub(super) fn rename(from: &str, to: &str) -> Vec<Attempt> {
    vec![Attempt::on("file-write-unlink", from), Attempt::on("file-write-create", to)]
}

pub(super) fn cases(places: &Places) -> Vec<Case> {
    let project = places.project.display().to_string();
    let state = places.home.display().to_string();
    let home = places
        .user_home
        .as_ref()
        .map_or("/Users/somebody".to_owned(), |home| home.display().to_string());
    let p = |rest: &str| format!("{project}/{rest}");
    let u = |rest: &str| format!("{home}/{rest}");
    let ps = |rest: &[&str]| -> Vec<String> { rest.iter().map(|rest| p(rest)).collect() };
    let secret = u(".ssh/id_ed25519");
    let read = |path: &str| vec![Attempt::on("file-read-data", path)];
    let mut cases = vec![
        profile(1, {
            let mut ways: Vec<Way> = [
                &secret,
                &u(".aws/credentials"),
                &u(".netrc"),
                &u("Library/Keychains/login.keychain-db"),
                &u("another-project/main.rs"),
                &u("Library/Cookies/Cookies.binarycookies"),
                "/Users/other/file",
                "/Volumes/USB/file",
                "/private/var/db/dslocal/nodes/Default/users/root.plist",
                "/private/etc/master.passwd",
                "/private/etc/sudoers",
                "/opt/homebrew/var/postgresql@16/base/1",
                "/usr/local/var/mysql/ibdata1",
                "/Library/Preferences/com.apple.loginwindow.plist",
            ]
            .iter()
            .map(|path| stopped("read what is yours", read(path)))
            .collect();
            for folder in &places.read_only {
                let file = format!("{}/credentials.toml", folder.display());
                ways.push(stopped("read a toolchain's credentials", read(&file)));
            }
            ways
        }),
        profile(2, vec![stopped("read through a link, which leads outside", read(&secret))]),
        not_here(3, "there is no /proc"),
        profile(
            4,
            vec![
                stopped(
                    "look at another process",
                    vec![Attempt::named("process-info-pidinfo", "target", "others")],
                ),
                stopped(
                    "take another process's task port",
                    vec![Attempt::named("mach-priv-task-port", "target", "others")],
                ),
            ],
        ),
        profile(
            5,
            vec![
                stopped(
                    "list all processes",
                    vec![Attempt::named("process-info-listpids", "target", "others")],
                ),
                stopped(
                    "name another process's task",
                    vec![Attempt::named("mach-task-name", "target", "others")],
                ),
            ],
        ),
        profile(6, {
            let outside = [
                u("x"),
                u(".zshrc"),
                u("Desktop/x"),
                "/private/etc/x".to_owned(),
                "/usr/local/bin/x".to_owned(),
                "/opt/homebrew/bin/x".to_owned(),
                "/private/var/tmp/x".to_owned(),
                "/Library/LaunchDaemons/x.plist".to_owned(),
                "/Applications/x.app".to_owned(),
                "/x".to_owned(),
                format!("{project}-other/x"),
                format!("{state}/.zshrc"),
                format!("{state}/.gitconfig"),
                format!("{state}/lcc.toml"),
            ];
            let mut ways: Vec<Way> =
                outside.iter().map(|path| stopped("write outside", write(path))).collect();
            ways.extend(outside.iter().map(|path| {
                stopped("remove outside", vec![Attempt::on("file-write-unlink", path)])
            }));
            ways.extend(places.read_only.iter().map(|folder| {
                stopped("write into a toolchain", write(&format!("{}/x", folder.display())))
            }));
            ways
        }),
        profile(
            7,
            vec![
                stopped(
                    "a second name for a file outside",
                    vec![
                        Attempt::on("file-link", &secret),
                        Attempt::on("file-write-create", p("hl")),
                    ],
                ),
                stopped(
                    "a second name for a protected file",
                    vec![
                        Attempt::on("file-link", p(".git/config")),
                        Attempt::on("file-write-create", p("hl")),
                    ],
                ),
            ],
        ),
        profile(
            8,
            vec![harmless(
                "write through a second name that was there before",
                "no system can tell; lcc names such files at the start",
                vec![Attempt::on("file-write-data", p("hard-linked"))],
            )],
        ),
        elsewhere(9, "paths are resolved once, and Seatbelt judges what they lead to at each use"),
        not_here(10, "nothing is mounted"),
        elsewhere(11, "the start refuses links in protected places"),
        elsewhere(12, "the planner judges the resolved path"),
        elsewhere(13, "lcc opens what Claude Code writes without following links"),
        profile(
            14,
            vec![
                stopped(
                    "a file with another user's rights",
                    vec![
                        Attempt::on("file-write-mode", p("x")),
                        Attempt::on("file-write-setugid", p("x")),
                    ],
                ),
                stopped(
                    "the same in the state folder",
                    vec![Attempt::on("file-write-setugid", format!("{state}/.cache/x"))],
                ),
            ],
        ),
        profile(15, {
            let mut ways =
                vec![stopped("make a device", vec![Attempt::on("file-mknod", p("sda"))])];
            for device in ["/dev/disk0", "/dev/rdisk0", "/dev/bpf0", "/dev/auditpipe", "/dev/mem"] {
                ways.push(stopped("read a device", read(device)));
                ways.push(stopped("write a device", vec![Attempt::on("file-write-data", device)]));
            }
            ways
        }),
        profile(
            16,
            vec![
                stopped("share /tmp", write("/private/tmp/x")),
                stopped("read /tmp", read("/private/tmp/of-another-program")),
                stopped("read the user's caches", read("/private/var/folders/ab/cd/T/x")),
                stopped(
                    "shared memory of others",
                    vec![Attempt::named(
                        "ipc-posix-shm-read-data",
                        "ipc-posix-name",
                        "of-another-program",
                    )],
                ),
                stopped(
                    "shared memory for others",
                    vec![Attempt::named("ipc-posix-shm-write-create", "ipc-posix-name", "mine")],
                ),
                stopped("System V shared memory", vec![Attempt::bare("ipc-sysv-shm")]),
            ],
        ),
        profile(
            17,
            vec![
                stopped("mount", vec![Attempt::on("file-mount", p("m"))]),
                stopped("change a mount", vec![Attempt::on("file-mount-update", "/")]),
                stopped("unmount", vec![Attempt::on("file-unmount", "/Volumes/USB")]),
            ],
        ),
        not_here(18, "there are no namespaces"),
        not_here(19, "there are no namespaces"),
        profile(20, vec![stopped("chroot", vec![Attempt::on("file-chroot", p("root"))])]),
        profile(
            21,
            vec![stopped(
                "open a file by its number: the system resolves it to its path",
                read(&secret),
            )],
        ),
        profile(
            22,
            vec![stopped(
                "mount over FUSE",
                vec![
                    Attempt::on("file-read-data", "/dev/macfuse0"),
                    Attempt::on("file-mount", p("m")),
                ],
            )],
        ),
        profile(23, {
            let mut paths = vec![places.lcc.display().to_string()];
            if !places.writable().any(|folder| places.program.starts_with(folder)) {
                paths.push(places.program.display().to_string());
            }
            changes("change what was started", &paths)
        }),
    ];
    cases.extend(trusted::cases(&p, &ps, &state));
    cases
}
