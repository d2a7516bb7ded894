//! Starts the program under sandbox-exec: the profile is judged, then tried, then used.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::{self, DirBuilder},
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    attempts,
    canary::Canary,
    places::{Places, TEMPORARY},
    probes::{self, Ending, Orders, Probed},
    profile::{self, Profile},
    safehouse, sweep,
};
use crate::{
    domain::Tier,
    engine::sandbox::{
        Endpoint, HostFacts, LaunchError, Launched, Refusal, Request, StartReport, Terminal,
        Unavailable, off, policy::HOME_FOLDERS,
    },
};

const SANDBOX_EXEC: &str = "/usr/bin/sandbox-exec";
/// What sandbox-exec ends with when it cannot read the profile, and when it may not apply one.
const PROFILE_ERROR: i32 = 65;
const NOT_APPLIED: i32 = 71;
/// How long the probes may take, and a question to Safehouse.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether sandbox-exec is there and may be used by this process.
///
/// # Errors
/// [`Unavailable::System`] with the reason.
pub fn preflight() -> Result<HostFacts, Unavailable> {
    let unavailable = |reason: String| Unavailable::System { reason };
    if !Path::new(SANDBOX_EXEC).is_file() {
        return Err(unavailable(format!("{SANDBOX_EXEC} is not there")));
    }
    let tried = Command::new(SANDBOX_EXEC)
        .args(["-p", "(version 1)(allow default)", "/usr/bin/true"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| unavailable(format!("{SANDBOX_EXEC}: {error}")))?;
    if !tried.success() {
        return Err(unavailable(words(tried)));
    }
    Ok(HostFacts {
        bwrap: PathBuf::from(SANDBOX_EXEC),
        version: None,
        flags: BTreeSet::new(),
        uid: nix::unistd::geteuid().as_raw(),
        user_home: std::env::var_os("HOME").map(PathBuf::from),
        root: BTreeMap::new(),
        etc: Vec::new(),
    })
}

/// What an end of sandbox-exec itself means.
fn words(status: ExitStatus) -> String {
    match status.code() {
        Some(PROFILE_ERROR) => {
            "sandbox-exec cannot read the profile (65): this macOS does not know a part of it"
                .into()
        }
        Some(NOT_APPLIED) => "sandbox-exec may not apply a profile (71): lcc runs in a sandbox \
                              already; start it outside, such as in Terminal"
            .into(),
        Some(code) => format!("sandbox-exec ended with {code}"),
        None => format!("sandbox-exec: {status}"),
    }
}

/// Starts the program under the profile.
///
/// # Errors
/// A [`LaunchError`]; then nothing of the program has run.
pub fn launch(
    request: Request,
    endpoint: Endpoint,
    terminal: Terminal<'_>,
) -> Result<Launched, LaunchError> {
    let host = preflight()?;
    let listener = endpoint
        .listener
        .ok_or_else(|| LaunchError::broken("endpoint", "the socket must be made outside"))?;
    let session = uuid::Uuid::new_v4().simple().to_string();
    let mut notes = Vec::new();
    let places = survey(&request, &host, endpoint.port, terminal, &session, &mut notes)?;
    let profile = profile::generate(&places)?;
    hold(&profile, &places)?;
    let report = try_out(&profile, &places)?;

    let mut command = under(&profile);
    command.arg(&places.program).args(&request.args);
    // The environment is emptied here and not by `env -i` inside: that would have to name every
    // value among its arguments, the session's token too, and any user can list arguments.
    let given = request.env.get("PATH").map(String::as_str).unwrap_or_default();
    command.env_clear().envs(&request.env).envs(own(&places));
    command.env("PATH", places.search_path(given)).current_dir(&places.project);
    let child = off::start(command, terminal, Path::new(SANDBOX_EXEC))?;
    if let Err(error) = sweep::start(&places.lcc, child.id(), &session) {
        // Dropping the child ends it.
        return Err(LaunchError::io("starting the sweeper")(error));
    }
    let probes = report.len() as u64;
    notes.push(
        "macOS has no process namespace: what the session leaves running is found by its sandbox \
         and ended"
            .to_owned(),
    );
    Ok(Launched {
        child,
        listener,
        report: StartReport { tier: Tier::Strict, probes, blocked: probes, notes },
        watch: None,
        attempts: crate::engine::sandbox::egress::Attempts::default(),
        lacks: Vec::new(),
    })
}

/// sandbox-exec with a profile; the program follows.
fn under(profile: &Profile) -> Command {
    let mut command = Command::new(SANDBOX_EXEC);
    command.arg("-p").arg(&profile.text);
    for (name, value) in &profile.parameters {
        let mut word = OsString::from(format!("-D{name}="));
        word.push(value);
        command.arg(word);
    }
    command.arg("--");
    command
}

/// What the child must know of its places, whatever it was given.
fn own(places: &Places) -> [(&'static str, OsString); 4] {
    let temporary = places.home.join(TEMPORARY);
    [
        ("HOME", places.home.clone().into_os_string()),
        ("TMPDIR", temporary.clone().into_os_string()),
        ("CLAUDE_CODE_TMPDIR", temporary.clone().into_os_string()),
        // Where zsh keeps the text of here-documents.
        ("TMPPREFIX", temporary.join("zsh").into_os_string()),
    ]
}

/// Resolves every path, makes the private home's folders, and refuses links in protected places.
pub(super) fn survey(
    request: &Request,
    host: &HostFacts,
    port: u16,
    terminal: Terminal<'_>,
    session: &str,
    notes: &mut Vec<String>,
) -> Result<Places, LaunchError> {
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(LaunchError::io(format!("looking at {}", path.display())))
    };
    let home = real(&request.home)?;
    for name in HOME_FOLDERS.iter().chain([&TEMPORARY]) {
        let folder = home.join(name);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(LaunchError::io(format!("making {}", folder.display()))(error));
            }
            Ok(()) | Err(_) => plain(&folder, &home)?,
        }
    }
    let project = real(&request.project)?;
    for name in profile::protected_names() {
        plain(&project.join(name), &project)?;
    }
    let user_home = host.user_home.as_deref().map(real).transpose()?;
    let mut read_only: Vec<PathBuf> =
        request.read_only.iter().map(|path| real(path)).collect::<Result<_, _>>()?;
    read_only.extend(developer_tools());
    read_only.extend(toolchains(user_home.as_deref(), notes));
    read_only.sort();
    read_only.dedup();
    let mut places = Places {
        project,
        home,
        lcc: real(&request.lcc)?,
        program: PathBuf::new(),
        read_only,
        terminal: match terminal {
            Terminal::Pty(pty) => Some(pty.slave_path().to_owned()),
            Terminal::Inherit => None,
        },
        port,
        user_home,
        session: Some(session.to_owned()),
    };
    let given = request.env.get("PATH").map(String::as_str).unwrap_or_default();
    places.program = real(&find(&request.program, &places.search_path(given))?)?;
    Ok(places)
}

/// A bare name is looked up where the child would.
fn find(program: &Path, path: &str) -> Result<PathBuf, LaunchError> {
    if program.components().count() != 1 {
        return Ok(program.to_owned());
    }
    let mut found = path.split(':').map(|folder| Path::new(folder).join(program));
    found.find(|path| path.is_file()).ok_or_else(|| LaunchError::Program {
        path: program.to_owned(),
        reason: format!("it is not in {path}"),
    })
}

/// Refuses a link or a special file at a path, or on the way to it from `root`.
fn plain(path: &Path, root: &Path) -> Result<(), LaunchError> {
    for step in path.ancestors().take_while(|step| *step != root) {
        let kind = match fs::symlink_metadata(step) {
            Ok(about) => about.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(LaunchError::io(format!("looking at {}", step.display()))(error));
            }
        };
        if !kind.is_file() && !kind.is_dir() {
            let refusal = Refusal::new(
                step,
                "a link, socket, pipe or device stands in a protected place",
                "replace it by a real file or folder, or remove it, and start again",
            );
            return Err(refusal.into());
        }
    }
    Ok(())
}

/// The developer tools that are chosen, when they are not Apple's small package.
fn developer_tools() -> Option<PathBuf> {
    let chosen = fs::read_link("/var/db/xcode_select_link").ok()?;
    let xcode = chosen.starts_with("/Applications") && chosen.ends_with("Contents/Developer");
    xcode.then(|| fs::canonicalize(chosen).ok()).flatten()
}

/// Folders of toolchains that Safehouse knows, where it is installed and recent enough. Without it,
/// or when it cannot be understood, lcc's own profile stands as it is.
fn toolchains(user_home: Option<&Path>, notes: &mut Vec<String>) -> Vec<PathBuf> {
    let Some(home) = user_home else { return Vec::new() };
    let installed = safehouse::places(Some(home)).into_iter().find(|path| path.is_file());
    let Some(program) = installed else { return Vec::new() };
    let said = ask(&program, &["--version"], home);
    let Some(version) = said.as_deref().and_then(safehouse::version) else {
        notes.push(format!("{} does not tell its version and is not used", program.display()));
        return Vec::new();
    };
    if !safehouse::recent_enough(version) {
        let (major, minor, patch) = version;
        notes.push(format!(
            "Safehouse {major}.{minor}.{patch} is not used: newer than 0.11.1 is needed"
        ));
        return Vec::new();
    }
    let policy = ask(&program, &safehouse::ARGUMENTS, home).unwrap_or_default();
    match safehouse::toolchains(&policy, home) {
        Ok(folders) => folders.iter().filter_map(|folder| fs::canonicalize(folder).ok()).collect(),
        Err(trouble) => {
            notes.push(format!("Safehouse's policy is not understood and not used: {trouble}"));
            Vec::new()
        }
    }
}

/// What a program says, at most a megabyte, if it ends well in time.
fn ask(program: &Path, arguments: &[&str], home: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir("/");
    let (status, said) = finish(command, &[]).ok()?;
    status.success().then(|| String::from_utf8_lossy(&said).into_owned())
}

/// Runs a command with this input until it ends, for so long at most.
fn finish(mut command: Command, input: &[u8]) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input)?;
    }
    let out = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        let read = out.map(|out| out.take(1 << 20).read_to_end(&mut said));
        read.transpose().map(|_| said)
    });
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            let said = reader.join().map_err(|_| io::Error::other("the reader ended"))?;
            return Ok((status, said?));
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!("no answer in {} s", PATIENCE.as_secs())));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The text must hold before it is used: it is read back, and every attempt is judged.
fn hold(profile: &Profile, places: &Places) -> Result<(), LaunchError> {
    let open = attempts::open(profile, places)
        .map_err(|trouble| LaunchError::broken("profile", trouble.to_string()))?;
    let names: Vec<String> =
        open.iter().map(|outcome| format!("{}: {}", outcome.number, outcome.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(LaunchError::broken("profile", names.join("; ")))
}

/// Runs the probes under the profile; all must be stopped, and nothing outside touched.
fn try_out(profile: &Profile, places: &Places) -> Result<Vec<Probed>, LaunchError> {
    let (report, touched) = attempt(profile, places)?;
    let mut wrong: Vec<String> = report
        .iter()
        .filter(|probed| match probed.ending {
            Ending::Blocked => false,
            Ending::Open | Ending::Failed => true,
        })
        .map(|probed| format!("{}: {}", probed.name, probed.detail))
        .collect();
    wrong.extend(touched);
    if report.is_empty() {
        wrong.push("no probe ran".to_owned());
    }
    if wrong.is_empty() { Ok(report) } else { Err(LaunchError::broken("probes", wrong.join("; "))) }
}

/// Runs the probes under the profile, and looks at what was planted outside.
pub(super) fn attempt(
    profile: &Profile,
    places: &Places,
) -> Result<(Vec<Probed>, Vec<String>), LaunchError> {
    let beside = places.home.parent().ok_or_else(|| {
        LaunchError::broken("probes", "there is no folder above the private home")
    })?;
    let canary =
        Canary::plant(beside).map_err(LaunchError::io("planting what the probes try to reach"))?;
    let names = profile::protected_names();
    let orders = Orders {
        targets: canary.targets().map_err(LaunchError::io("planting canaries"))?,
        project: places.project.clone(),
        home: places.home.clone(),
        protected: names.iter().map(|name| places.project.join(name)).collect(),
        pins: names
            .iter()
            .filter_map(|name| name.parent())
            .filter(|parent| !parent.as_os_str().is_empty())
            .map(|parent| places.project.join(parent))
            .collect(),
        user_home: places.user_home.clone(),
    };
    let text = serde_json::to_vec(&orders)
        .map_err(|error| LaunchError::broken("probes", error.to_string()))?;
    let mut command = under(profile);
    command.arg(&places.lcc).arg(probes::COMMAND);
    command
        .env_clear()
        .envs(own(places))
        .env("PATH", places.search_path(""))
        .current_dir(&places.project);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let (status, said) =
        finish(command, &text).map_err(|error| LaunchError::broken("probes", error.to_string()))?;
    if !status.success() {
        return Err(LaunchError::broken("probes", words(status)));
    }
    let report: Vec<Probed> = serde_json::from_slice(&said)
        .map_err(|error| LaunchError::broken("probes", format!("no report: {error}")))?;
    Ok((report, canary.touched().into_iter().map(str::to_owned).collect()))
}
