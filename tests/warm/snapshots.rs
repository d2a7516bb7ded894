//! Slot snapshots: restored where they fit, refused where not, and judged by what they spare.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use lcc::{
    domain::{Kept, Warm},
    engine::{
        practice::{PracticeOptions, PracticeServer, Script},
        warm::{Opening, index::Index},
        window::warm::{Pace, Shelf},
    },
};
use serde_json::Value;

use super::desk::{Desk, LIMIT, Wish, first, next, options, serve};

fn shelf(state: &Path) -> Shelf {
    Index::at(state.to_owned()).read()
}

fn slots(state: &Path) -> std::path::PathBuf {
    let slots = state.join("slots");
    fs::create_dir_all(&slots).unwrap();
    slots
}

fn files(state: &Path) -> usize {
    fs::read_dir(slots(state)).unwrap().count()
}

const fn saved(step: &Warm) -> bool {
    matches!(step, Warm::Saved { .. })
}

/// A session of two turns, whose start and conversation are saved; its talk.
async fn session(server: &PracticeServer, state: &Path) -> Value {
    let one = Desk::start(server.addr(), state, Wish::default()).await;
    one.open(Opening::New);
    let talk = first("one");
    one.say("s-1", &talk).await;
    let two = next(&talk, "two");
    one.say("s-1", &two).await;
    one.step("the conversation's snapshot", 1, saved).await;
    // F5: the fixed prefix is read for itself, and saved.
    one.open(Opening::New);
    let fixed = |s: &Warm| matches!(s, Warm::Saved { what: Kept::Fixed, .. });
    one.step("the prefix's snapshot", 1, fixed).await;
    one.close().await;
    two
}

#[tokio::test]
async fn a_server_started_anew_reads_nothing_again() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let server = serve(None, options(&slots(state))).await;
    let addr = server.addr();
    let talk = session(&server, state).await;
    drop(server);
    let kept: Vec<Kept> = shelf(state).entries.iter().map(|e| e.kept).collect();
    assert!(kept.contains(&Kept::Fixed) && kept.contains(&Kept::Conversation), "{kept:?}");
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    for entry in shelf(state).entries {
        let folder = entry.folder.expect("lcc sees its own folder");
        assert_eq!(mode(&Path::new(&folder).join(&entry.file)), 0o600);
    }

    // A new session on a new server.
    let server = serve(Some(addr), options(&slots(state))).await;
    let two = Desk::start(addr, state, Wish::default()).await;
    two.open(Opening::New);
    let warm = two.read(1).await;
    assert!(warm.cached * 100 >= warm.total * 98, "{warm:?}: {:?}", two.steps());
    let restored = |s: &Warm| matches!(s, Warm::Restored { what: Kept::Fixed, .. });
    assert!(two.steps().iter().any(restored), "{:?}", two.steps());
    let said = two.say("s-2", &first("fresh")).await;
    assert!(said.cached * 100 >= warm.total * 98, "{said:?}");
    two.close().await;
    drop(server);

    // The conversation goes on, on another new one.
    let _server = serve(Some(addr), options(&slots(state))).await;
    let three = Desk::start(addr, state, Wish::default()).await;
    three.open(Opening::Session("s-1".into()));
    let restored = |s: &Warm| matches!(s, Warm::Restored { what: Kept::Conversation, .. });
    three.step("the conversation", 1, restored).await;
    let said = three.say("s-1", &next(&talk, "three")).await;
    assert!(said.total - said.cached < 32, "{said:?}: only the new words are read");
    assert!(!three.steps().iter().any(|s| matches!(s, Warm::Vain { .. })));
}

#[tokio::test]
async fn a_server_started_anew_in_mid_session_has_the_conversation_back() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let server = serve(None, options(&slots(state))).await;
    let addr = server.addr();
    let desk = Desk::start(addr, state, Wish::default()).await;
    desk.open(Opening::New);
    let talk = first("one");
    desk.say("s-1", &talk).await;
    desk.step("a snapshot", 1, saved).await;
    drop(server);
    desk.away().await;
    let _server = serve(Some(addr), options(&slots(state))).await;
    desk.returned(1).await;
    let warm = desk.read(1).await;
    assert!(warm.cached * 100 >= warm.total * 98, "{warm:?}: {:?}", desk.steps());
    let said = desk.say("s-1", &next(&talk, "two")).await;
    assert!(said.cached * 100 >= warm.total * 98, "{said:?}");
}

#[tokio::test]
async fn another_window_is_refused_and_said() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let server = serve(None, options(&slots(state))).await;
    let addr = server.addr();
    session(&server, state).await;
    drop(server);
    let other = PracticeOptions { window: 16_384, ..options(&slots(state)) };
    let _server = serve(Some(addr), other).await;
    let two = Desk::start(addr, state, Wish::default()).await;
    two.open(Opening::New);
    let refused = two.step("a refusal", 1, |s| matches!(s, Warm::Refused { .. })).await;
    let Warm::Refused { why, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(why, "the window was 32768, is 16384");
    assert_eq!(two.read(1).await.cached, 0);
    assert!(!two.steps().iter().any(|s| matches!(s, Warm::Restored { .. })));
}

#[tokio::test]
async fn a_restore_that_did_nothing_is_told_loudly_and_not_done_again() {
    for warm_start in [true, false] {
        let state = tempfile::tempdir().unwrap();
        let state = state.path();
        let server = serve(None, options(&slots(state))).await;
        let addr = server.addr();
        session(&server, state).await;
        drop(server);
        let lies = || PracticeOptions { script: Script::RestoreLies, ..options(&slots(state)) };
        let wish = || Wish { warm_start, ..Wish::default() };
        let server = serve(Some(addr), lies()).await;
        let two = Desk::start(addr, state, wish()).await;
        two.open(Opening::New);
        two.step("a restore", 1, |s| matches!(s, Warm::Restored { .. })).await;
        if warm_start {
            two.read(1).await;
        } else {
            // The first real prompt shows it.
            two.say("s-2", &first("fresh")).await;
        }
        let vain = two.step("the truth", 1, |s| matches!(s, Warm::Vain { .. })).await;
        let Warm::Vain { restored, read, .. } = vain else { panic!("{vain:?}") };
        assert!(read * 10 >= restored * 9, "{read} of {restored}");
        two.close().await;
        drop(server);
        assert_eq!((shelf(state).entries.len(), shelf(state).vain.len()), (0, 1));
        assert_eq!(files(state), 0, "what cannot be used does not lie about");

        // Never again on this server: neither saved nor restored.
        let _server = serve(Some(addr), lies()).await;
        let three = Desk::start(addr, state, wish()).await;
        three.open(Opening::New);
        if warm_start {
            three.read(1).await;
        }
        three.say("s-3", &first("again")).await;
        three.close().await;
        assert_eq!(files(state), 0);
    }
}

#[tokio::test]
async fn a_server_without_a_folder_is_asked_once() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let none = PracticeOptions { slots_dir: None, ..options(state) };
    let server = serve(None, none).await;
    let desk = Desk::start(server.addr(), state, Wish::default()).await;
    desk.open(Opening::New);
    desk.say("s-1", &first("one")).await;
    let told = desk.step("its word", 1, |s| matches!(s, Warm::NoSlots { .. })).await;
    let Warm::NoSlots { why } = told else { panic!("{told:?}") };
    assert!(why.contains("--slot-save-path"), "{why}");
    desk.say("s-1", &next(&first("one"), "two")).await;
    desk.open(Opening::New);
    desk.read(1).await;
    desk.close().await;
    assert_eq!(shelf(state), Shelf::default());
}

#[tokio::test]
async fn a_full_shelf_loses_what_was_not_used_for_longest() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let server = serve(None, options(&slots(state))).await;
    session(&server, state).await;
    let before = shelf(state);
    let largest = before.entries.iter().map(|e| e.bytes).max().unwrap();
    assert_eq!(files(state), before.entries.len());
    // Room for one and a half.
    let pace = Pace { every_s: 0, limit: largest * 3 / 2 };
    let desk = Desk::start(server.addr(), state, Wish { pace, ..Wish::default() }).await;
    desk.open(Opening::New);
    desk.read(1).await;
    desk.say("s-9", &first("new words")).await;
    desk.step("its snapshot", 1, saved).await;
    desk.close().await;
    let after = shelf(state);
    assert!(after.bytes() <= pace.limit && !after.entries.is_empty(), "{after:#?}");
    assert!(after.entries.iter().any(|e| e.session.as_deref() == Some("s-9")), "{after:#?}");
    assert_eq!(files(state), after.entries.len(), "the files went too");
    assert!(pace.limit < LIMIT);
}

#[tokio::test]
async fn the_command_lists_and_removes() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let lcc = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lcc"));
        command.env_clear().env("HOME", state).env("LCC_STATE_DIR", state);
        let out = command.arg("snapshots").args(args).output().unwrap();
        let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let (code, said, _) = lcc(&["list"]);
    assert!(code == Some(0) && said.starts_with("no snapshots"), "{said}");
    let server = serve(None, options(&slots(state))).await;
    session(&server, state).await;
    let made = shelf(state).entries;
    let (_, said, _) = lcc(&["list"]);
    for entry in &made {
        assert!(said.contains(&entry.id), "{said}");
    }
    let (_, json, _) = lcc(&["list", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["snapshots"].as_array().unwrap().len(), made.len());
    assert_eq!(json["bytes"], made.iter().map(|e| e.bytes).sum::<u64>());

    let (code, said, _) = lcc(&["rm", &made[0].id]);
    assert!(code == Some(0) && said.contains("removed"), "{said}");
    assert_eq!(files(state), made.len() - 1);
    let (code, _, why) = lcc(&["rm", &made[0].id]);
    assert!(code == Some(2) && why.contains("no snapshot"), "{why}");
    assert_eq!(lcc(&["rm"]).0, Some(2));
    assert_eq!(lcc(&["rm", "--all"]).0, Some(0));
    assert_eq!((files(state), shelf(state)), (0, Shelf::default()));
}
