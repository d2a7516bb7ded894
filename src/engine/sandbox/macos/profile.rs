//! The Seatbelt profile as data: nothing is allowed but what is listed here.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    lists,
    places::Places,
    protect,
    rule::{self, Filter, Match, Parameters, Rule},
};
use crate::engine::sandbox::policy::{Refusal, protected};

/// Operations on a file's content and names that read.
const READ: [&str; 2] = ["file-read*", "file-test-existence"];
/// The same, for what may also be run.
const RUN: [&str; 4] =
    ["file-read*", "file-test-existence", "file-map-executable", "process-exec*"];
/// The network's operations, each by its own name: a wildcard would give way to any of them.
const NETWORK: [&str; 4] = ["network*", "network-outbound", "network-bind", "network-inbound"];

/// A profile and its parameters. Paths are parameters, never part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The text for `sandbox-exec -p`.
    pub text: String,
    /// Names and values for `-D`.
    pub parameters: Vec<(String, OsString)>,
}

/// Generates the profile.
///
/// # Errors
/// A [`Refusal`] of a path that must not be part of it.
pub fn generate(places: &Places) -> Result<Profile, Refusal> {
    places.check()?;
    let mut parameters = parameters(places);
    let mut text =
        "(version 1)\n;; What no rule allows fails, and is found in the system's log as `lcc`.\n\
         (deny default (with message \"lcc\"))\n"
            .to_owned();
    text.push_str(&rule::write(&rules(places), &mut parameters));
    Ok(Profile { text, parameters: parameters.into_words() })
}

/// The names of the paths that stand for something.
pub(super) fn parameters(places: &Places) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.named("PROJECT", &places.project);
    parameters.named("STATE", &places.home);
    if let Some(path) = &places.terminal {
        parameters.named("TERMINAL", path);
    }
    parameters
}

/// The name of a service that nobody has, which the profile of one session allows.
#[must_use]
pub fn session_service(session: &str) -> String {
    format!("lcc.session.{session}")
}

/// The protected paths of a project, relative to it.
#[must_use]
pub fn protected_names() -> BTreeSet<&'static Path> {
    lists::GIT.iter().copied().chain(protected::PATHS).map(Path::new).collect()
}

/// Every rule after the default, in the order in which they are written.
pub(super) fn rules(places: &Places) -> Vec<Rule> {
    let mut rules = system();
    rules.extend(reads(places));
    rules.extend(terminal(places));
    rules.extend(services(places));
    rules.extend(network(places));
    rules.extend(writes(places));
    rules.extend(protect::rules(places));
    rules
}

pub(super) fn path(how: Match, path: &Path) -> Filter {
    Filter::Path(how, path.to_owned())
}

fn fixed(how: Match, paths: &[&'static str]) -> Vec<Filter> {
    paths.iter().map(|path| Filter::Fixed(how, path)).collect()
}

/// Processes, and the few switches of the kernel.
fn system() -> Vec<Rule> {
    let same = || vec![Filter::Word("target", "same-sandbox")];
    vec![
        Rule::allow("children, which inherit this profile", &["process-fork"], Vec::new()),
        Rule::allow("looks at own processes alone", &["process-info*"], same()),
        Rule::allow("signals to own processes alone", &["signal"], same()),
        Rule::allow("figures of the machine", &["sysctl-read"], Vec::new()),
        Rule::allow(
            "a switch for code made at run time",
            &["sysctl-write"],
            vec![Filter::Name("sysctl-name", "kern.tcsm_enable")],
        ),
        Rule::allow("locks of Python's multiprocessing", &["ipc-posix-sem"], Vec::new()),
        Rule::allow(
            "the notification centre's shared page",
            &["ipc-posix-shm-read*"],
            vec![Filter::Name("ipc-posix-name", "apple.shm.notification_center")],
        ),
        Rule::allow(
            "the power state",
            &["iokit-open"],
            vec![Filter::Name("iokit-user-client-class", "RootDomainUserClient")],
        ),
        Rule::allow(
            "flags of files, as copying sets them",
            &["system-fsctl"],
            vec![Filter::Word("fsctl-command", "FSIOC_CAS_BSDFLAGS")],
        ),
    ]
}

fn reads(places: &Places) -> Vec<Rule> {
    let mut rules = vec![
        Rule::allow("the loader ends without it", &READ, fixed(Match::Literal, &["/"])),
        Rule::allow(
            "the system's programs and libraries",
            &RUN,
            fixed(Match::Subpath, &lists::SYSTEM),
        ),
        Rule::deny(
            "databases and sockets beside them",
            &["file-read*", "file-read-data", "file-map-executable", "process-exec*"],
            fixed(Match::Subpath, &lists::SERVERS),
        ),
        Rule::allow("the system's settings", &READ, fixed(Match::Subpath, &lists::SETTINGS)),
        Rule::allow("devices", &READ, fixed(Match::Literal, &lists::DEVICES)),
    ];
    let mut folders = vec![
        path(Match::Subpath, &places.project),
        path(Match::Subpath, &places.home),
        path(Match::Literal, &places.lcc),
        path(Match::Literal, &places.program),
    ];
    folders.extend(places.read_only.iter().map(|folder| path(Match::Subpath, folder)));
    rules.push(Rule::allow(
        "the project, lcc's state, the programs, folders of the user's choice",
        &RUN,
        folders,
    ));
    let secrets: Vec<Filter> = places
        .read_only
        .iter()
        .map(|folder| Filter::Below(folder.clone(), lists::CREDENTIALS.to_owned()))
        .collect();
    if !secrets.is_empty() {
        rules.push(Rule::deny(
            "credentials in those folders",
            &["file-read*", "file-read-data", "file-map-executable"],
            secrets,
        ));
    }
    let mut looks = fixed(Match::Literal, &lists::LINKS);
    looks.extend(above(places).iter().map(|folder| path(Match::Literal, folder)));
    rules.push(Rule::allow(
        "the way to all of these: what the folders are, not what lies in them",
        &["file-read-metadata", "file-test-existence"],
        looks,
    ));
    rules
}

/// The folders on the way to everything that can be read.
fn above(places: &Places) -> BTreeSet<PathBuf> {
    let fixed = lists::SYSTEM.iter().chain(&lists::SETTINGS).map(Path::new);
    [&places.project, &places.home, &places.lcc, &places.program]
        .into_iter()
        .chain(&places.read_only)
        .map(PathBuf::as_path)
        .chain(fixed)
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| *path != Path::new("/"))
        .map(Path::to_owned)
        .collect()
}

/// lcc's own slave side and terminals made inside; no pattern that reaches the user's others.
fn terminal(places: &Places) -> Vec<Rule> {
    const ALL: [&str; 4] = ["file-read*", "file-test-existence", "file-write-data", "file-ioctl"];
    let mut rules = vec![
        Rule::allow("terminals made inside", &["pseudo-tty"], Vec::new()),
        Rule::allow("their master side", &ALL, fixed(Match::Literal, &["/dev/ptmx"])),
        Rule::allow(
            "their slave side, which the system marks as ours",
            &ALL,
            vec![Filter::Name("extension", "com.apple.sandbox.pty")],
        ),
    ];
    if let Some(slave) = &places.terminal {
        rules.push(Rule::allow(
            "the one terminal that lcc gave",
            &ALL,
            vec![path(Match::Literal, slave), Filter::Fixed(Match::Literal, "/dev/tty")],
        ));
    }
    rules
}

fn services(places: &Places) -> Vec<Rule> {
    let named = |names: &[&'static str]| -> Vec<Filter> {
        names.iter().map(|name| Filter::Name("global-name", name)).collect()
    };
    let mut denied = named(&lists::MACH_DENIED);
    denied.extend(
        lists::MACH_DENIED_FAMILIES.iter().map(|name| Filter::Name("global-name-prefix", name)),
    );
    let mut rules = vec![
        Rule::allow("services that every program needs", &["mach-lookup"], named(&lists::MACH)),
        Rule::deny("keys, names, other programs, the screen: never", &["mach-lookup"], denied),
    ];
    rules.extend(places.session.as_ref().map(|session| {
        let service = vec![Filter::Service(session_service(session))];
        Rule::allow(
            "nobody's service: what tells this session's processes",
            &["mach-lookup"],
            service,
        )
    }));
    rules
}

fn network(places: &Places) -> Vec<Rule> {
    let socket = |domain| {
        Filter::All(vec![
            Filter::Word("socket-domain", domain),
            Filter::Word("socket-type", "SOCK_STREAM"),
        ])
    };
    vec![
        Rule::allow("TCP", &["system-socket"], vec![socket("AF_INET"), socket("AF_INET6")]),
        Rule::deny("no way out", &NETWORK, Vec::new()),
        Rule::allow("but to lcc", &["network-outbound"], vec![Filter::Port(places.port)]),
    ]
}

fn writes(places: &Places) -> Vec<Rule> {
    let device = |name| {
        Filter::All(vec![
            Filter::Fixed(Match::Literal, name),
            Filter::Word("vnode-type", "CHARACTER-DEVICE"),
        ])
    };
    let mut streams = vec![device("/dev/null")];
    streams.extend(fixed(Match::Literal, &lists::STREAMS));
    streams.push(Filter::Fixed(Match::Subpath, "/dev/fd"));
    let folders = places.writable().map(|folder| path(Match::Subpath, &folder)).collect();
    vec![
        Rule::allow("nowhere, and a program's own streams", &["file-write-data"], streams),
        Rule::allow("the project, and the state's folders for caches", &["file-write*"], folders),
    ]
}
