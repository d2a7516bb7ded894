//! The first request of the real Claude Code, recorded in the sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{path::PathBuf, time::Duration};

use common::{Project, Real};
use lcc::{
    domain::{Profile, Tier},
    engine::{
        claude::{
            self, CaptureError, Conversation, EnvironmentInputs, Order, Version, capture, compacts,
            options, state::Look,
        },
        window::believe,
    },
};
use serde_json::Value;

fn order(
    program: PathBuf,
    project: &Project,
    state: &tempfile::TempDir,
    profile: Profile,
) -> Order {
    let new = || Conversation::New("6f2c8a54-6a5e-4e43-9c9f-0123456789ab".into());
    let version: Option<Version> = claude::version::from_package(&program.canonicalize().unwrap());
    let root = state.path().canonicalize().unwrap();
    Order {
        tier: Tier::Strict,
        project: project.path().canonicalize().unwrap(),
        home: root.join("home"),
        scratch: root.join("capture"),
        version,
        program,
        profile: profile.name().into(),
        lcc: env!("CARGO_BIN_EXE_lcc").into(),
        args: claude::arguments(&options(&profile.into(), version), Tier::Strict, "m", &new(), &[]),
        env: claude::environment(&EnvironmentInputs {
            base_url: "http://127.0.0.1:1",
            token: "t",
            model: "m",
            belief: believe(compacts(version), 32_768, 4_096, 26_872),
            options: &options(&profile.into(), version),
            tier: Tier::Strict,
            home: "/nowhere",
            path: "/usr/bin:/bin",
            lang: None,
            tz: None,
            more: &std::collections::BTreeMap::new(),
            bare_root: false,
        }),
        look: Look::Dark,
        mounts: Vec::new(),
    }
}

fn names(body: &Value) -> Vec<&str> {
    body["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect()
}

fn twice(version: &str) {
    let (Some(program), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let project = Project::with_git();
    let state = tempfile::tempdir().unwrap();
    let mut bodies = Vec::new();
    for profile in [Profile::Lean, Profile::Lean, Profile::Standard, Profile::Full] {
        let order = order(program.clone(), &project, &state, profile);
        let got = runtime.block_on(capture(order, Duration::from_secs(60))).unwrap();
        println!("{version} {profile}: {} bytes after {:?}", got.body.len(), got.took);
        assert_eq!(got.version.unwrap().to_string(), version);
        let text = String::from_utf8(got.body.to_vec()).unwrap();
        assert!(!text.contains("/capture/"), "the throw-away home shows");
        assert_eq!(std::fs::read_dir(state.path().join("capture")).unwrap().count(), 1);
        bodies.push(serde_json::from_str::<Value>(&text).unwrap());
    }
    let [one, two, standard, full] = <[Value; 4]>::try_from(bodies).unwrap();
    assert_eq!(names(&one), ["Bash", "Edit", "Glob", "Grep", "Read", "Write"]);
    assert_eq!((&one["system"], &one["tools"]), (&two["system"], &two["tools"]));
    assert!(names(&standard).len() > 6 && names(&full).len() > 6);
    // Nothing of it lies in the project or the home of the sessions.
    assert!(!state.path().join("home").exists());
    assert!(!project.path().join(".claude").exists());
}

#[test]
fn claude_code_2_1_197_s_first_request() {
    twice("2.1.197");
}

#[test]
fn claude_code_2_1_330_s_first_request() {
    twice("2.1.330");
}

#[test]
fn what_claude_code_does_not_know_is_told() {
    let (Some(program), Some(_)) = (Real::claude("2.1.197"), Real::bwrap()) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let project = Project::with_git();
    let state = tempfile::tempdir().unwrap();
    let mut order = order(program, &project, &state, Profile::Lean);
    order.args.push("--no-such-option".into());
    let error = runtime.block_on(capture(order, Duration::from_secs(60))).unwrap_err();
    assert!(matches!(error, CaptureError::Ended { .. }), "{error:?}");
    assert!(error.to_string().contains("no-such-option"), "{error}");
}
