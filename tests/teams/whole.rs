//! The cockpit and `lcc doctor` against a team's server: certificates of both sides, a credential.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    SECRET,
    authority::{Authority, Server, reply, secret, serve, serve_babble, vllm},
    common::{Key, Lcc, Outer, Project, Real},
};

const SOON: Duration = Duration::from_secs(30);
/// Columns of Claude Code's pane.
const PANE: u16 = 82;
const FAKE: &str = include_str!("../fixtures/fake_claude.sh");

/// A team's server that asks for a client certificate and a bearer, and a person who has both.
struct Team {
    dir: tempfile::TempDir,
    project: Project,
    server: Server,
    ca: PathBuf,
    /// The lines of the configuration beside the CA.
    identity: String,
    auth: String,
}

/// A stream of one answer, as to the cockpit's child.
const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":7,\"output_tokens\":0}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

impl Team {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("team");
        let ca = authority.file(dir.path(), "ca.pem");
        let (cert, key) = authority.issue("me", 2100).files(dir.path());
        let token = dir.path().join("token");
        secret(&token, &format!("{SECRET}\n"), 0o600);
        let claude = dir.path().join("claude");
        fs::write(&claude, FAKE).unwrap();
        fs::set_permissions(&claude, fs::Permissions::from_mode(0o755)).unwrap();
        let wanted = format!("authorization: Bearer {SECRET}");
        let server = serve(&authority.issue("localhost", 2100), Some(&authority), move |head| {
            let plain = vllm(head, Some(&wanted));
            let streams = head.starts_with("POST /team/v1/messages?beta");
            if streams && plain.starts_with("HTTP/1.1 200") {
                reply("200 OK", "Content-Type: text/event-stream\r\n", STREAM)
            } else {
                plain
            }
        });
        let identity = format!("cert = {cert:?}\nkey = {key:?}\n");
        let auth = format!("[auth]\nbearer_file = {token:?}\n");
        Self { dir, project: Project::new(), server, ca, identity, auth }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/team", self.server.addr.port())
    }

    fn config(&self) -> String {
        format!("[tls]\nca = {:?}\n{}{}", self.ca, self.identity, self.auth)
    }

    /// The configuration with another team's CA, and the one without a client certificate; each
    /// with what must be said of it.
    fn mistakes(&self) -> [(String, &'static str, &'static str); 2] {
        let other = Authority::new("other").file(self.dir.path(), "other.pem");
        [
            (
                format!("[tls]\nca = {other:?}\n{}{}", self.identity, self.auth),
                "its certificate is from no authority that is trusted here",
                "name the PEM file of your team's CA with tls.ca",
            ),
            (
                format!("[tls]\nca = {:?}\n{}", self.ca, self.auth),
                "it asks for a client certificate",
                "name yours with tls.cert and tls.key",
            ),
        ]
    }

    fn lcc(&self, config: &str) -> Lcc {
        Lcc::new(self.project.path())
            .config(config)
            .env("LCC_CLAUDE", self.dir.path().join("claude"))
    }

    fn doctor(&self, config: &str, args: &[&str]) -> (i32, String) {
        let lcc = self.lcc(config).args(["doctor", "--server", &self.url()]);
        let out = lcc.args(args.iter().copied()).command().output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains(SECRET) && !said.contains("BEGIN"), "{said}");
        (out.status.code().unwrap(), said)
    }

    fn report(&self, config: &str) -> (i32, Value) {
        let (code, said) = self.doctor(config, &["--json"]);
        (code, serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}")))
    }

    fn cockpit(&self, config: &str) -> (Lcc, Outer) {
        let lcc = self.lcc(config).args(["--server", &self.url()]);
        let outer = lcc.start();
        (lcc, outer)
    }
}

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["checks"].as_array().unwrap();
    all.iter().find(|c| c["check"] == name).unwrap()
}

#[test]
fn doctor_goes_the_way_the_session_goes() {
    let team = Team::new();
    let (_, report) = team.report(&team.config());
    for check in ["server", "model"] {
        assert_eq!(finding(&report, check)["verdict"], "ok", "{report:#}");
    }
    let (_, said) = team.doctor(&team.config(), &[]);
    assert!(said.contains(&format!("vLLM 0.33.0 at {}", team.url())), "{said}");
    // Running the model takes the certificate and the credential too.
    let (_, said) = team.doctor(&team.config(), &["--smoke"]);
    assert!(!said.contains("401"), "{said}");
    let heads = team.server.heads.lock().unwrap();
    let asked = heads.iter().filter(|h| h.starts_with("POST /team/v1/messages ")).count();
    assert_eq!(asked, 3, "thinking off, thinking on, one call: {said}");
    let bearer = format!("authorization: Bearer {SECRET}");
    for head in heads.iter() {
        assert!(head.lines().any(|l| l.eq_ignore_ascii_case(&bearer)), "{head}");
    }
}

#[test]
fn doctor_tells_what_bars_the_way_and_the_way_out() {
    let team = Team::new();
    for (config, found, fix) in team.mistakes() {
        let (code, report) = team.report(&config);
        let server = finding(&report, "server");
        let expected = format!("{}: {found}", team.url());
        assert_eq!((code, &report["ok"]), (1, &Value::Bool(false)), "{report:#}");
        assert_eq!(server["verdict"], "failure");
        assert_eq!((&server["found"], &server["fix"]), (&expected.into(), &fix.into()));
        let (code, said) = team.doctor(&config, &[]);
        assert_eq!(code, 1);
        assert!(said.contains(found) && said.contains(&format!("fix: {fix}")), "{said}");
    }
    assert!(team.server.heads.lock().unwrap().is_empty(), "no request without a way in");
}

#[test]
fn the_cockpit_has_a_turn_with_the_server_and_names_it() {
    if Real::bwrap().is_none() {
        return;
    }
    let team = Team::new();
    let (lcc, mut outer) = team.cockpit(&team.config());
    outer.wait_for("❯", SOON);
    outer.type_text("hello");
    outer.wait_for("hello", SOON);
    outer.key(Key::Enter);
    outer.wait_for("turn done", SOON);
    outer.wait_until("the server in the header", SOON, |s| {
        let text = s.contents();
        let header = text.lines().next().unwrap_or_default();
        header.contains("vLLM") && header.contains("https localhost")
    });
    let figures = lcc.figures().unwrap();
    assert_eq!(figures.server.url, Some(team.url()));
    assert!(!outer.screen_text().contains(SECRET));
    outer.wait_until("a calm session", SOON, |s| {
        s.contents().lines().last().is_some_and(|bar| bar.contains("idle"))
    });
    assert!(outer.leave(SOON).success());
    assert_eq!(outer.leftovers(), Vec::<String>::new());
    assert!(!String::from_utf8_lossy(&outer.raw()).contains(SECRET));
    let heads = team.server.heads.lock().unwrap();
    let turn = heads.iter().find(|h| h.starts_with("POST /team/v1/messages?beta")).unwrap();
    assert!(turn.contains(SECRET), "the credential of the team, not the child's: {turn}");
}

#[test]
fn the_cockpit_says_what_bars_the_way_and_can_be_left() {
    if Real::bwrap().is_none() {
        return;
    }
    let team = Team::new();
    for (config, found, fix) in team.mistakes() {
        let (_lcc, mut outer) = team.cockpit(&config);
        // The screen breaks the sentence where it must.
        let flat = |text: &str| text.split(['│', ' ', '\n']).collect::<String>();
        outer.wait_until(found, SOON, |s| {
            let text = flat(&s.rows(0, PANE).collect::<String>());
            text.contains(&flat(found)) && text.contains(&flat(fix))
        });
        outer.leave(SOON);
        assert_eq!(outer.leftovers(), Vec::<String>::new());
    }
    assert!(team.server.heads.lock().unwrap().is_empty(), "no request without a way in");
}

#[test]
fn f5_tries_a_barred_way_again() {
    if Real::bwrap().is_none() {
        return;
    }
    let team = Team { server: serve_babble(), ..Team::new() };
    let (_lcc, mut outer) = team.cockpit(&team.config());
    outer.wait_for("Claude Code could not be started", SOON);
    let visits = || team.server.heads.lock().unwrap().len();
    let before = visits();
    assert!(before > 0);
    outer.key(Key::F(5));
    let end = Instant::now() + SOON;
    while visits() == before {
        assert!(Instant::now() < end, "F5 does nothing:\n{}", outer.screen_text());
        thread::sleep(Duration::from_millis(20));
    }
    outer.leave(SOON);
    assert_eq!(outer.leftovers(), Vec::<String>::new());
}
