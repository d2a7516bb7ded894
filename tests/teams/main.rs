//! A team's server: certificates, credentials, its queue; and the words for each thing that is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod authority;
#[path = "../common/mod.rs"]
mod common;
mod house;
#[cfg(target_os = "linux")]
mod whole;

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use authority::{Authority, reply, secret, serve, serve_plain, vllm};
use house::House;
use lcc::engine::{
    access::{Access, Auth, Reach, Scheme},
    backend::identify,
};

const SECRET: &str = "sk-never-to-be-seen";

#[test]
fn certificates_and_credential_serve_the_proxy_its_count_and_the_looks() {
    let bearer = format!("authorization: Bearer {SECRET}");
    let key = format!("x-api-key: {SECRET}");
    for (auth, line) in [
        ("bearer_file = \"DIR/token\"", &bearer),
        ("key_file = \"DIR/token\"", &key),
        ("command = [\"cat\", \"DIR/token\"]", &bearer),
        ("command = [\"cat\", \"DIR/token\"]\nheader = \"x-api-key\"", &key),
    ] {
        let mut house = House::new();
        let authority = Authority::new("team");
        let ca = authority.file(house.dir.path(), "ca.pem");
        let (cert, private) = authority.issue("me", 2100).files(house.dir.path());
        secret(&house.path("token"), &format!("{SECRET}\n"), 0o600);
        let expected = line.clone();
        let counts = Arc::new((Mutex::new(0), Condvar::new()));
        let server = serve(&authority.issue("localhost", 2100), Some(&authority), move |head| {
            // The second count comes when the first has been told; only then the answer.
            let (seen, news) = &*counts;
            if head.contains("count_tokens") {
                *seen.lock().unwrap() += 1;
                news.notify_all();
            } else if head.contains("/v1/messages") {
                let seen = seen.lock().unwrap();
                let waited = news.wait_timeout_while(seen, Duration::from_secs(15), |n| *n < 3);
                drop(waited.unwrap());
            }
            vllm(head, Some(&expected))
        });
        let url = format!("https://localhost:{}/team", server.addr.port());
        let auth = auth.replace("DIR", &house.dir.path().display().to_string());
        let config =
            format!("[tls]\nca = {ca:?}\ncert = {cert:?}\nkey = {private:?}\n[auth]\n{auth}\n");
        let mut proxy = house.starts(&url, &config);
        assert!(proxy.until("\"server\"").contains("\"vllm\""), "{}", proxy.said);
        assert!(proxy.until("\"server_load\"").contains("\"waiting\":3"), "{}", proxy.said);
        let answer = proxy.post();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"hi\""), "{answer}");
        proxy.until("\"request_ended\"");
        assert!(proxy.until("prompt_counted").contains("\"total\":7"), "{}", proxy.said);
        let heads = server.heads.lock().unwrap().clone();
        assert!(heads.iter().any(|h| h.contains("count_tokens")), "{heads:?}");
        for head in &heads {
            assert!(head.lines().any(|l| l.eq_ignore_ascii_case(line)), "{head}");
            assert!(!head.contains("callers-own"), "{head}");
            assert!(head.split(' ').nth(1).unwrap().starts_with("/team/"), "{head}");
        }
        let model = heads.iter().find(|h| h.starts_with("POST /team/v1/messages?beta")).unwrap();
        assert!(model.contains("x-claude-code-session-id: session-7"), "{model}");
        let all = format!("{}{answer}{}", proxy.said, house.log());
        assert!(!all.contains(SECRET) && !all.contains("BEGIN"), "{all}");
    }
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_with_the_way_out() {
    let house = House::new();
    let (team, other) = (Authority::new("team"), Authority::new("other"));
    let ca = team.file(house.dir.path(), "ca.pem");
    let config = format!("[tls]\nca = {ca:?}\n");
    let good = |head: &str| vllm(head, None);
    let mut all = String::new();
    let mut look = |name: &str, server: &authority::Server, config: &str| {
        let url = format!("https://localhost:{}/team", server.addr.port());
        all.push_str(&format!("{name}\n  {}", house.fails(&url, config)));
    };
    let right = serve(&team.issue("localhost", 2100), None, good);
    look("another authority", &serve(&other.issue("localhost", 2100), None, good), &config);
    look("no authority of the team", &right, "");
    look("expired", &serve(&team.issue("localhost", 2001), None, good), &config);
    look("another name", &serve(&team.issue("gpu1.example", 2100), None, good), &config);
    look(
        "no client certificate",
        &serve(&team.issue("localhost", 2100), Some(&team), good),
        &config,
    );
    let (cert, key) = other.issue("me", 2100).files(house.dir.path());
    let wrong = format!("{config}cert = {cert:?}\nkey = {key:?}\n");
    look(
        "a client certificate of another authority",
        &serve(&team.issue("localhost", 2100), Some(&team), good),
        &wrong,
    );
    look("no TLS at all", &authority::serve_babble(), &config);
    look("a key for others", &right, &{
        secret(&house.path("open.key"), "x", 0o644);
        format!("{config}cert = {cert:?}\nkey = {:?}\n", house.path("open.key"))
    });
    look("no key in the file", &right, &{
        secret(&house.path("no.key"), "x", 0o600);
        format!("{config}cert = {cert:?}\nkey = {:?}\n", house.path("no.key"))
    });
    look("no CA in the file", &right, &format!("[tls]\nca = {:?}\n", house.path("no.key")));
    look("no CA file", &right, &format!("[tls]\nca = {:?}\n", house.path("none")));
    insta::assert_snapshot!(all);
}

#[test]
fn what_is_wrong_with_a_credential_is_said_without_it() {
    let house = House::new();
    let wanted = format!("authorization: Bearer {SECRET}");
    let server = serve_plain(move |head| vllm(head, Some(&wanted)));
    let local = format!("http://{}/team", server.addr);
    for (name, text, mode) in [
        ("open", SECRET, 0o644),
        ("group", SECRET, 0o640),
        ("wrong", "sk-never-to-be-used", 0o600),
        ("two", "sk-never-1\nsk-never-2\n", 0o600),
        ("named", "token: sk-never-3", 0o600),
        ("empty", "\n", 0o600),
        ("good", SECRET, 0o600),
    ] {
        secret(&house.path(name), text, mode);
    }
    let dir = house.dir.path().display().to_string();
    let mut all = String::new();
    for (name, url, auth) in [
        ("none", &*local, ""),
        ("mode 644", &local, "bearer_file = \"DIR/open\""),
        ("mode 640", &local, "key_file = \"DIR/group\""),
        ("refused", &local, "bearer_file = \"DIR/wrong\""),
        ("two lines in the file", &local, "bearer_file = \"DIR/two\""),
        ("a name before it", &local, "bearer_file = \"DIR/named\""),
        ("an empty file", &local, "bearer_file = \"DIR/empty\""),
        ("no file", &local, "bearer_file = \"DIR/none\""),
        ("a folder", &local, "bearer_file = \"DIR\""),
        ("the secret itself", &local, "bearer_file = \"sk-never-to-be-here\""),
        ("the secret itself, unknown key", &local, "bearer = \"sk-never-to-be-here\""),
        ("a command that fails", &local, "command = [\"sh\", \"-c\", \"cat DIR/good; exit 7\"]"),
        ("a command of two lines", &local, "command = [\"cat\", \"DIR/two\"]"),
        ("no such command", &local, "command = [\"DIR/none\", \"sk-never\"]"),
        ("a command as one text", &local, "command = \"pass show sk-never\""),
        ("two of them", &local, "key_file = \"DIR/good\"\nbearer_file = \"DIR/good\""),
        ("plain http", "http://gpu1.invalid/team", "bearer_file = \"DIR/good\""),
        ("in the URL", "http://me:sk-never@127.0.0.1/", ""),
    ] {
        let config = format!("[auth]\n{}\n", auth.replace("DIR", &dir));
        all.push_str(&format!("{name}\n  {}", house.fails(url, &config)));
    }
    assert!(!all.contains("sk-never"), "{all}");
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn a_command_that_hangs_is_stopped_and_run_once_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    let script = format!("echo x >> {}; sleep 1000", runs.display());
    let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let auth = Auth::Command { scheme: Scheme::Bearer, words };
    let patience = Duration::from_millis(800);
    let server = serve_plain(|head| vllm(head, None));
    let url = format!("http://{}/team", server.addr);
    let reach = Reach::open(&url, &Access { auth, patience, ..Access::default() }).unwrap();
    let said = reach.prove().await.unwrap_err().to_string();
    insta::assert_snapshot!(said, @"auth.command (sh) did not end within 0.8 s and was stopped; it has no terminal to ask on. Run it by hand to see what it waits for");
    // All calls of a look hear of the same failure; the command is not run for each.
    let said = identify(&reach, &url).await.unwrap_err().to_string();
    assert!(said.contains("did not end within"), "{said}");
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "x\n");
    assert!(server.heads.lock().unwrap().is_empty(), "nothing goes out without the credential");
}

#[tokio::test]
async fn a_credential_that_is_refused_is_had_anew_once() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    secret(&token, "old", 0o600);
    let server = serve_plain(|head| vllm(head, Some("authorization: Bearer new")));
    let url = format!("http://{}/team", server.addr);
    let auth = Auth::File { scheme: Scheme::Bearer, path: token.clone() };
    let reach =
        Reach::open(&url, &Access { auth, pause: Duration::ZERO, ..Access::default() }).unwrap();
    reach.prove().await.unwrap();
    secret(&token, "new", 0o600);
    let call = || reach.client().get(format!("{url}/version")).build().unwrap();
    assert_eq!(reach.send(call()).await.unwrap().status(), 200);
    assert_eq!(reach.send(call()).await.unwrap().status(), 200);
    assert_eq!(server.heads.lock().unwrap().len(), 3, "old, new, and new again");
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let lure = serve_plain(|head| vllm(head, None));
    let to = format!("Location: http://{}/team/version\r\n", lure.addr);
    let server = serve_plain(move |_| reply("302 Found", &to, ""));
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    secret(&token, SECRET, 0o600);
    let url = format!("http://{}/team", server.addr);
    let auth = Auth::File { scheme: Scheme::Key, path: token };
    let reach = Reach::open(&url, &Access { auth, ..Access::default() }).unwrap();
    let facts = identify(&reach, &url).await.unwrap();
    assert_eq!(facts.kind, lcc::domain::ServerKind::Unknown);
    assert!(lure.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_speaks_http_0_9_is_told_so_with_and_without_tls() {
    let page = |_: &str| "<html>hello</html>\n".to_owned();
    let authority = Authority::new("team");
    let dir = tempfile::tempdir().unwrap();
    let ca = Some(authority.file(dir.path(), "ca.pem"));
    let plain = serve_plain(page);
    let secure = serve(&authority.issue("localhost", 2100), None, page);
    let access = [Access::default(), Access { ca, ..Access::default() }];
    let urls =
        [format!("http://{}", plain.addr), format!("https://localhost:{}", secure.addr.port())];
    for (url, access) in urls.iter().zip(access) {
        let reach = Reach::open(url, &access).unwrap();
        let said = identify(&reach, url).await.unwrap_err().to_string().replace(url, "URL");
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @"URL does not speak HTTP (invalid HTTP version parsed); name a model server with --server");
        }
    }
    let mut house = House::new();
    let proxy = house.starts(&urls[0], "");
    let answer = proxy.post().replace(&urls[0], "URL");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("URL does not answer (invalid HTTP version parsed)"), "{answer}");
}

#[test]
fn a_full_server_is_passed_on_as_it_is_and_told_as_queued() {
    for (status, retry) in [("429 Too Many Requests", true), ("529 Overloaded", false)] {
        let tries = AtomicUsize::new(0);
        let server = serve_plain(move |head| {
            let first = head.contains("/v1/messages?") && tries.fetch_add(1, Ordering::SeqCst) == 0;
            let again = if retry { "Retry-After: 17\r\n" } else { "" };
            if first { reply(status, again, r#"{"type":"error"}"#) } else { vllm(head, None) }
        });
        let mut house = House::new();
        let mut proxy = house.starts(&format!("http://{}/team", server.addr), "");
        let answer = proxy.post();
        let number = status.split_at(3).0;
        assert!(answer.starts_with(&format!("HTTP/1.1 {number}")), "{answer}");
        assert_eq!(answer.to_lowercase().contains("retry-after: 17"), retry, "{answer}");
        let line = proxy.until("\"queued\"");
        let expected = if retry { "\"retry_after_s\":17" } else { "\"retry_after_s\":null" };
        assert!(line.contains(expected) && line.contains(status.split_at(3).0), "{line}");
        assert!(proxy.post().starts_with("HTTP/1.1 200"));
    }
}
