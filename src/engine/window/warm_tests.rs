//! The shelf of snapshots: what fits, what goes, when it is worth saving.

use proptest::prelude::*;

use super::*;

fn mark() -> ServerMark {
    ServerMark {
        kind: ServerKind::LlamaServer,
        build: Some("b1".into()),
        model: Some("/m.gguf".into()),
        model_bytes: Some(1_000),
        model_changed: Some(7),
        ftype: Some("Q4".into()),
        window: Some(32_768),
        options: vec!["-ctk=q8_0".into()],
    }
}

fn entry(id: &str, kept: Kept, prefix: u64, used: u64) -> Entry {
    Entry {
        id: id.into(),
        file: format!("{id}.bin"),
        folder: None,
        url: "http://a".into(),
        kept,
        session: (kept == Kept::Conversation).then(|| format!("s-{id}")),
        prefix,
        project: "/p".into(),
        mark: mark(),
        tokens: 100,
        bytes: 1_000,
        made: used,
        used,
        proven: false,
    }
}

fn found(find: &Find) -> &str {
    match find {
        Find::Fits(entry) => &entry.id,
        Find::Refused { why, .. } => why,
        Find::Nothing => "nothing",
    }
}

/// The words of a refusal, and what brings it about.
type Change = (&'static str, fn(&mut ServerMark));

#[test]
fn every_difference_of_the_server_is_refused_and_named() {
    let change: [Change; 8] = [
        ("the server was llama-server, is Ollama", |m| m.kind = ServerKind::Ollama),
        ("the model file was /m.gguf, is /n.gguf", |m| m.model = Some("/n.gguf".into())),
        ("the model's size was 1000, is not told", |m| m.model_bytes = None),
        ("the model file was changed", |m| m.model_changed = Some(8)),
        ("the model's type was Q4, is Q8", |m| m.ftype = Some("Q8".into())),
        ("the window was 32768, is 4096", |m| m.window = Some(4_096)),
        ("the options was -ctk=q8_0, is none", |m| m.options.clear()),
        ("the build was b1, is b2", |m| m.build = Some("b2".into())),
    ];
    let shelf = Shelf { entries: vec![entry("a", Kept::Fixed, 1, 1)], ..Shelf::default() };
    let want = Want::Fresh { prefix: 1 };
    assert_eq!(found(&shelf.find(want, &mark(), "http://a", None)), "a");
    for (why, change) in change {
        let mut other = mark();
        change(&mut other);
        assert_eq!(found(&shelf.find(want, &other, "http://a", None)), why);
    }
}

#[test]
fn the_fixed_prefix_wins_and_a_conversation_stands_in() {
    let mut shelf = Shelf::default();
    shelf.put(entry("talk", Kept::Conversation, 1, 9));
    let fresh = Want::Fresh { prefix: 1 };
    let find = |shelf: &Shelf, want| found(&shelf.find(want, &mark(), "http://a", None)).to_owned();
    assert_eq!(find(&shelf, fresh), "talk");
    shelf.put(entry("fixed", Kept::Fixed, 1, 1));
    assert_eq!(find(&shelf, fresh), "fixed");
    assert_eq!(find(&shelf, Want::Session("s-talk")), "talk");
    assert_eq!(find(&shelf, Want::Session("s-other")), "nothing");
    assert_eq!(find(&shelf, Want::Fresh { prefix: 2 }), "nothing");
}

#[test]
fn a_file_is_sought_in_its_own_folder() {
    let known = Entry { folder: Some("/slots".into()), ..entry("a", Kept::Fixed, 1, 1) };
    let shelf = Shelf { entries: vec![known], ..Shelf::default() };
    for (url, folder, expected) in [
        ("http://b", Some("/slots"), "a"),
        ("http://a", Some("/other"), "nothing"),
        ("http://a", None, "a"),
        ("http://b", None, "nothing"),
    ] {
        let find = shelf.find(Want::Fresh { prefix: 1 }, &mark(), url, folder);
        assert_eq!(found(&find), expected, "{url} {folder:?}");
    }
}

#[test]
fn what_was_in_vain_is_not_tried_again() {
    let mut shelf = Shelf::default();
    shelf.put(entry("a", Kept::Fixed, 1, 1));
    let other = ServerMark { window: Some(1), ..mark() };
    shelf.put(Entry { mark: other.clone(), ..entry("b", Kept::Fixed, 1, 1) });
    let gone = shelf.condemn(&mark(), "it read all again", 5);
    assert_eq!(gone.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(shelf.is_vain(&mark()) && !shelf.is_vain(&other));
    shelf.condemn(&mark(), "again", 6);
    assert_eq!(shelf.vain.len(), 1);
    shelf.put(entry("c", Kept::Fixed, 1, 2));
    let find = shelf.find(Want::Fresh { prefix: 1 }, &mark(), "http://a", None);
    assert_eq!(found(&find), "it read all again");
}

#[test]
fn a_newer_one_of_the_same_id_gives_the_old_file_back() {
    let mut shelf = Shelf::default();
    assert_eq!(shelf.put(entry("a", Kept::Fixed, 1, 1)), None);
    assert_eq!(shelf.put(entry("a", Kept::Fixed, 1, 2)), None, "the file is the same one");
    let other = Entry { file: "a-2.bin".into(), ..entry("a", Kept::Fixed, 1, 3) };
    assert_eq!(shelf.put(other).map(|e| e.file), Some("a.bin".into()));
    assert_eq!(shelf.entries.len(), 1);
}

#[test]
fn verdicts() {
    for (restored, shared, cached, expected) in [
        (4_300, 4_301, 4_300, Verdict::Good),
        (4_300, 4_301, 0, Verdict::Vain),
        (4_300, 4_301, 2_100, Verdict::Vain),
        (9_000, 4_000, 3_990, Verdict::Good),
        (0, 0, 0, Verdict::Good),
    ] {
        assert_eq!(verdict(restored, shared, cached), expected, "{restored} {shared} {cached}");
    }
}

#[test]
fn saves_are_rare_and_worth_it() {
    let pace = Pace { every_s: 60, limit: 10_000_000 };
    let last = LastSave { at: 1_000, tokens: 4_000, bytes: 400_000, seconds: 0.1 };
    let slow = LastSave { seconds: 3.0, ..last };
    for (name, last, tokens, now, leaving, expected) in [
        ("the first", None, 10, 0, false, true),
        ("nothing in it", None, 0, 0, true, false),
        ("too soon", Some(last), 9_000, 1_030, false, false),
        ("hardly changed", Some(last), 4_100, 2_000, false, false),
        ("due", Some(last), 5_100, 2_000, false, true),
        ("compacted", Some(last), 2_000, 2_000, false, true),
        ("slow ones wait for the end", Some(slow), 9_000, 2_000, false, false),
        ("the end", Some(slow), 4_001, 1_001, true, true),
        ("the end, unchanged", Some(last), 4_000, 9_000, true, false),
        ("larger than all may be", Some(last), 200_000, 9_000, true, false),
    ] {
        assert_eq!(pace.due(last, tokens, now, leaving), expected, "{name}");
    }
    assert!(!Pace { limit: 0, ..pace }.due(None, 10, 0, true), "switched off");
}

proptest! {
    #[test]
    fn shrinking_keeps_the_last_used(uses in prop::collection::vec(0_u64..50, 0..12), limit in 0_u64..14_000) {
        let mut shelf = Shelf::default();
        for (n, used) in uses.iter().enumerate() {
            shelf.put(entry(&n.to_string(), Kept::Fixed, n as u64, *used));
        }
        let gone = shelf.shrink(limit);
        prop_assert!(shelf.bytes() <= limit);
        prop_assert_eq!(gone.len() + shelf.entries.len(), uses.len());
        let oldest_kept = shelf.entries.iter().map(|e| e.used).min();
        let newest_gone = gone.iter().map(|e| e.used).max();
        if let (Some(kept), Some(gone)) = (oldest_kept, newest_gone) {
            prop_assert!(gone <= kept);
        }
        // No more goes than must.
        if let Some(last) = gone.last() {
            prop_assert!(shelf.bytes() + last.bytes > limit);
        }
    }
}
