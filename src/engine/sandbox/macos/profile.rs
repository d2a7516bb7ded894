//! Generates the Seatbelt profile from data: nothing is allowed but what is listed here.

use std::{
    ffi::OsString,
    fmt::Write,
    path::{Path, PathBuf},
};

use crate::engine::sandbox::policy::{Refusal, protected};

/// The places of one start; absolute and resolved (`/private/tmp`, not `/tmp`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The project, writable.
    pub project: PathBuf,
    /// lcc's private state folder, writable.
    pub home: PathBuf,
    /// Programs to read and run: lcc's own and the one to start.
    pub programs: Vec<PathBuf>,
    /// Further folders that may be read.
    pub read_only: Vec<PathBuf>,
    /// The slave side of lcc's terminal.
    pub terminal: Option<PathBuf>,
    /// The port of lcc's endpoint on the loopback address.
    pub port: u16,
    /// The user's real home.
    pub user_home: Option<PathBuf>,
}

/// A profile and its parameters. Paths are parameters, never part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The text for `sandbox-exec -p`.
    pub text: String,
    /// Names and values for `-D`.
    pub parameters: Vec<(String, OsString)>,
}

const READ: [&str; 23] = [
    "/usr",
    "/bin",
    "/sbin",
    "/System/Library",
    "/System/Cryptexes",
    "/System/Volumes/Preboot/Cryptexes",
    "/Library/Apple",
    "/Library/Frameworks",
    "/Library/Developer/CommandLineTools",
    "/opt/homebrew",
    "/private/etc/hosts",
    "/private/etc/services",
    "/private/etc/protocols",
    "/private/etc/ssl",
    "/private/etc/localtime",
    "/private/etc/passwd",
    "/private/etc/shells",
    "/private/var/db/timezone",
    "/private/var/db/dyld",
    "/private/var/db/xcode_select_link",
    "/private/var/select",
    "/etc",
    "/var",
];
const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/autofs_nowait",
    "/dev/dtracehelper",
];
const MACH: [&str; 11] = [
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
    "com.apple.logd",
    "com.apple.system.logger",
    "com.apple.system.notification_center",
    "com.apple.diagnosticd",
    "com.apple.cfprefsd.daemon",
    "com.apple.cfprefsd.agent",
    "com.apple.bsd.dirhelper",
    "com.apple.PowerManagement.control",
    "com.apple.FSEvents",
];
/// Denied by name, so that a later rule with a wildcard cannot open them unseen.
const MACH_DENIED: [&str; 24] = [
    "com.apple.SecurityServer",
    "com.apple.securityd",
    "com.apple.securityd.xpc",
    "com.apple.secd",
    "com.apple.security.agent",
    "com.apple.security.authhost",
    "com.apple.trustd",
    "com.apple.trustd.agent",
    "com.apple.ocspd",
    "com.apple.nsurlsessiond",
    "com.apple.networkd",
    "com.apple.mDNSResponder",
    "com.apple.dnssd.service",
    "com.apple.SystemConfiguration.DNSConfiguration",
    "com.apple.SystemConfiguration.configd",
    "com.apple.coreservices.launchservicesd",
    "com.apple.CoreServices.coreservicesd",
    "com.apple.coreservices.appleevents",
    "com.apple.pasteboard.1",
    "com.apple.tccd",
    "com.apple.windowserver.active",
    "com.apple.distributed_notifications@Uv3",
    "com.apple.metadata.mds",
    "com.apple.DiskArbitration.diskarbitrationd",
];

struct Writer {
    text: String,
    parameters: Vec<(String, OsString)>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Gives a path a parameter and returns its name.
    fn name(&mut self, stem: &str, path: &Path) -> String {
        let name = format!("{stem}_{}", self.parameters.len());
        self.parameters.push((name.clone(), path.as_os_str().to_owned()));
        name
    }

    fn subpath(&mut self, rule: &str, stem: &str, path: &Path) {
        let name = self.name(stem, path);
        self.line(&format!("({rule} (subpath (param \"{name}\")))"));
    }

    fn literal(&mut self, rule: &str, stem: &str, path: &Path) {
        let name = self.name(stem, path);
        self.line(&format!("({rule} (literal (param \"{name}\")))"));
    }

    fn list(&mut self, rule: &str, filter: &str, items: &[&str]) {
        let mut line = format!("({rule}");
        for item in items {
            // Writing to a string cannot fail.
            let _infallible = write!(line, "\n  ({filter} \"{item}\")");
        }
        self.line(&format!("{line})"));
    }
}

/// Generates the profile.
///
/// # Errors
/// A [`Refusal`] of a path that must not be part of it.
pub fn generate(places: &Places) -> Result<Profile, Refusal> {
    check(places)?;
    let mut out = Writer { text: String::new(), parameters: Vec::new() };
    out.line("(version 1)");
    out.line("(deny default (with message \"lcc\"))");
    out.line("(allow process-exec process-fork)");
    out.line("(allow process-info* (target same-sandbox))");
    out.line("(allow signal (target same-sandbox))");
    out.line("(allow sysctl-read)");
    out.line("(allow sysctl-write (sysctl-name \"kern.tcsm_enable\"))");
    out.line("(allow ipc-posix-sem)");
    out.line("(allow ipc-posix-shm-read* (ipc-posix-name \"apple.shm.notification_center\"))");
    out.line("(allow iokit-open (iokit-user-client-class \"RootDomainUserClient\"))");

    out.line("(allow file-read* (literal \"/\"))");
    let (folders, links) = READ.split_at(READ.len() - 2);
    out.list("allow file-read* file-map-executable", "subpath", folders);
    out.list("allow file-read-metadata", "literal", links);
    out.list("allow file-read*", "literal", &DEVICES);
    out.line("(allow file-write-data (require-all (literal \"/dev/null\") (vnode-type CHARACTER-DEVICE)))");
    for path in places.programs.iter().chain(&places.read_only) {
        out.subpath("allow file-read* file-map-executable", "READ", path);
    }
    for path in [&places.project, &places.home] {
        out.subpath("allow file-read* file-write* file-map-executable", "WRITE", path);
    }
    let mut above: Vec<&Path> = [&places.project, &places.home]
        .into_iter()
        .chain(&places.programs)
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| *path != Path::new("/"))
        .collect();
    above.sort_unstable();
    above.dedup();
    for path in above {
        out.literal("allow file-read-metadata", "ABOVE", path);
    }

    terminal(&mut out, places);
    out.list("allow mach-lookup", "global-name", &MACH);
    out.list("deny mach-lookup", "global-name", &MACH_DENIED);
    out.line(
        "(allow system-socket (require-all (socket-domain AF_INET) (socket-type SOCK_STREAM)))",
    );
    out.line(
        "(allow system-socket (require-all (socket-domain AF_INET6) (socket-type SOCK_STREAM)))",
    );
    out.line(&format!("(allow network-outbound (remote tcp \"localhost:{}\"))", places.port));

    protect(&mut out, &places.project);
    out.line("(deny file-write-setugid)");
    out.line("(deny file-link)");
    Ok(Profile { text: out.text, parameters: out.parameters })
}

/// lcc's own slave side and terminals made inside; no pattern that reaches the user's others.
fn terminal(out: &mut Writer, places: &Places) {
    out.line("(allow pseudo-tty)");
    out.line(
        "(allow file-read* file-write* file-ioctl (literal \"/dev/ptmx\") (literal \"/dev/tty\"))",
    );
    out.line("(allow file-read* file-write* file-ioctl (extension \"com.apple.sandbox.pty\"))");
    if let Some(path) = &places.terminal {
        out.literal("allow file-read* file-write* file-ioctl", "TERMINAL", path);
    }
}

/// Denied after the allowance, and for each specific operation: those win over a wildcard.
fn protect(out: &mut Writer, project: &Path) {
    const DENY: &str = "deny file-write* file-write-create file-write-unlink file-write-data \
                        file-write-mode file-write-flags file-write-owner";
    for path in protected::PATHS {
        let path = project.join(path);
        out.literal(DENY, "KEEP", &path);
        out.subpath(DENY, "KEEP", &path);
    }
    let mut above: Vec<PathBuf> = protected::PATHS
        .iter()
        .flat_map(|path| Path::new(path).ancestors().skip(1).map(|part| project.join(part)))
        .collect();
    above.sort_unstable();
    above.dedup();
    for path in above {
        // Otherwise the folder could be moved away and made anew.
        out.literal("deny file-write-unlink", "PIN", &path);
    }
}

fn check(places: &Places) -> Result<(), Refusal> {
    let all = [&places.project, &places.home]
        .into_iter()
        .chain(&places.programs)
        .chain(&places.read_only)
        .chain(&places.terminal);
    for path in all {
        let text = path.to_str();
        if text.is_none_or(|text| text.contains(['"', '\\']) || text.chars().any(char::is_control))
        {
            return Err(Refusal::new(
                path,
                "its name has quotes, backslashes or control characters, which the profile \
                 language cannot be trusted with",
                "rename it",
            ));
        }
        if !path.is_absolute() {
            return Err(Refusal::new(path, "the path is not absolute", "name the whole path"));
        }
    }
    let shared = ["/", "/Users", "/private", "/private/tmp", "/private/var", "/tmp", "/Volumes"];
    let of_home = places.user_home.as_ref().is_some_and(|home| home.starts_with(&places.project));
    if of_home || shared.iter().any(|path| places.project == Path::new(path)) {
        return Err(Refusal::new(
            &places.project,
            "it is a folder of the whole system or your home",
            "start lcc in the folder of one project",
        ));
    }
    if places.home.starts_with(&places.project) || places.project.starts_with(&places.home) {
        return Err(Refusal::new(
            &places.home,
            "lcc's state and the project lie in each other",
            "set LCC_STATE_DIR to a folder outside the project",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            project: "/Users/ada/project".into(),
            home: "/Users/ada/Library/lcc/home".into(),
            programs: vec!["/opt/homebrew/bin/lcc".into(), "/Users/ada/bin/claude".into()],
            read_only: vec!["/Users/ada/.cargo/bin".into()],
            terminal: Some("/dev/ttys042".into()),
            port: 40_001,
            user_home: Some("/Users/ada".into()),
        }
    }

    #[test]
    fn the_profile_is_pinned() {
        let profile = generate(&places()).unwrap();
        let mut text = profile.text;
        for (name, value) in profile.parameters {
            let _infallible = writeln!(text, ";; {name} = {}", value.display());
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn nothing_opens_the_rest_of_the_system() {
        let text = generate(&places()).unwrap().text;
        for never in [
            "(allow default",
            "(allow network*",
            "network-bind",
            "network-inbound",
            "lsopen",
            "appleevent-send",
            "/dev/ttys",
            "(regex",
            "no-sandbox",
            "/private/tmp",
            "\"*:",
            "(allow mach-lookup)",
            "/Users",
        ] {
            assert!(!text.contains(never), "{never} is in the profile");
        }
        let opens = text.matches('(').count();
        assert_eq!(opens, text.matches(')').count());
    }

    #[test]
    fn odd_places_are_refused() {
        let table: [fn(&mut Places); 6] = [
            |places| places.project = "/Users/ada".into(),
            |places| places.project = "/".into(),
            |places| places.project = "/private/tmp".into(),
            |places| places.project = "/Users/ada/a\"b".into(),
            |places| places.home = "/Users/ada/project/state".into(),
            |places| places.read_only = vec!["/Users/ada/a\nb".into()],
        ];
        for change in table {
            let mut odd = places();
            change(&mut odd);
            assert!(generate(&odd).is_err(), "{odd:?}");
        }
    }
}
