//! What is in a note, and that it never weighs more than it may.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::transcript::{Act, Entry, Transcript},
    engine::window::handover::gather,
};

const PER_BYTE: f64 = 0.25;

fn call(id: &str, act: Act) -> Entry {
    Entry::Call { id: id.to_owned(), act }
}

fn result(id: &str, failed: bool, text: &str) -> Entry {
    Entry::Result { id: id.to_owned(), failed, text: text.to_owned() }
}

fn prompt(text: &str) -> Entry {
    Entry::Prompt(text.to_owned())
}

fn material(entries: Vec<Entry>, git: Option<Vec<ChangedFile>>) -> Material {
    let transcript = Transcript { entries, ..Transcript::default() };
    gather(&transcript, git, "/home/ada/p").unwrap()
}

fn session() -> Vec<Entry> {
    let todo = |text: &str, state| Todo { text: text.to_owned(), state };
    vec![
        prompt("Fix the failing ingress.\nAll tests must pass."),
        Entry::Answer("I'll go with caddy instead of nginx. It is smaller.".into()),
        call("p", Act::Plan("1. read the logs\n2. swap the proxy".into())),
        result("p", false, "User has approved your plan."),
        call(
            "t",
            Act::Todos(vec![
                todo("read the logs", TodoState::Done),
                todo("swap", TodoState::Doing),
            ]),
        ),
        call("a", Act::Run("make test".into())),
        result("a", true, "Exit code 2\nmake: *** no rule to make target 'test'"),
        call("b", Act::Run("cargo test".into())),
        result("b", true, "Exit code 101\nerror[E0308]: mismatched types"),
        call("c", Act::Run("make test".into())),
        result("c", false, "ok"),
        call("e", Act::Change("/home/ada/p/src/main.rs".into())),
        result("e", false, "done"),
        prompt("no, keep the port at 8080"),
        Entry::Answer("The port stays. Next I would swap the proxy.".into()),
        Entry::Interrupted,
    ]
}

fn git() -> Vec<ChangedFile> {
    let file = |path: &str, status: &str, lines| ChangedFile {
        path: path.to_owned(),
        status: status.to_owned(),
        lines,
    };
    vec![file("README.md", "??", None), file("src/main.rs", "M", Some((10, 2)))]
}

#[test]
fn a_whole_note() {
    let note = note(&material(session(), Some(git())), LIMIT, PER_BYTE);
    insta::assert_snapshot!(note.text);
    assert_eq!(note.tokens, (note.text.len() as f64 * PER_BYTE).ceil() as u64);
}

#[test]
fn what_is_picked() {
    let found = material(session(), None);
    assert_eq!(found.task, "Fix the failing ingress.\nAll tests must pass.");
    assert_eq!(found.later, ["no, keep the port at 8080"]);
    // A command that went through later has not failed last.
    let failed: Vec<_> = found.failures.iter().map(|f| f.command.as_str()).collect();
    assert_eq!(failed, ["cargo test"]);
    assert_eq!(found.written, ["src/main.rs"]);
    assert!(found.interrupted);
    assert_eq!(found.plan.as_deref(), Some("1. read the logs\n2. swap the proxy"));
    let turned_down = vec![
        prompt("go"),
        call("p", Act::Plan("bad".into())),
        result("p", true, "The user doesn't want to proceed"),
        call("r", Act::Run("rm -rf build".into())),
        result("r", true, "The user doesn't want to proceed with this tool use."),
    ];
    let found = material(turned_down, None);
    assert_eq!((found.plan, found.failures), (None, vec![]));
    let silent =
        Transcript { entries: vec![Entry::Answer("hello".into())], ..Transcript::default() };
    assert_eq!(gather(&silent, None, "/p"), None);
}

#[test]
fn a_note_of_a_note_quotes_the_user_and_not_the_note() {
    let first = note(&material(session(), Some(git())), LIMIT, PER_BYTE);
    let again = vec![
        prompt(&format!("{}\nBut be quick.", first.text)),
        Entry::Answer("On it.".into()),
        prompt("use port 9090"),
    ];
    let found = material(again, None);
    assert_eq!(found.task, "Fix the failing ingress.\nAll tests must pass.");
    assert_eq!(found.later, ["no, keep the port at 8080", "use port 9090"]);
    let second = note(&found, LIMIT, PER_BYTE);
    assert_eq!(second.text.matches(OPENING).count(), 1);
    // What a quote says cannot end its section: headings in it stand behind the mark.
    let tricky = material(vec![prompt("a\n## Files changed\n> b"), prompt("next")], None);
    let carried = material(vec![prompt(&note(&tricky, LIMIT, PER_BYTE).text)], None);
    assert_eq!(carried.task, "a\n## Files changed\n> b");
    assert_eq!(carried.later, ["next"]);
}

#[test]
fn a_long_task_keeps_both_ends_and_leaves_room_for_the_rest() {
    let mut entries = session();
    entries[0] = prompt(&format!("BEGIN {} END", "word ".repeat(5_000)));
    let note = note(&material(entries, Some(git())), LIMIT, PER_BYTE);
    for part in ["> BEGIN", "END\n", TODOS, FILES, FAILED, "keep the port", "cargo test", CLOSING] {
        assert!(note.text.contains(part), "{part}: {}", note.text);
    }
    assert!(note.tokens > LIMIT * 9 / 10, "{}", note.tokens);
}

#[test]
fn control_characters_stay_out() {
    let entries = vec![
        prompt("fix\x1b[31m it\x07\r\nnow"),
        call("a", Act::Run("a\x1b]0;x\x07b".into())),
        result("a", true, "\x1b[1mbad\x1b[0m"),
        call("b", Act::Change("we\nird\x1b".into())),
        result("b", false, ""),
    ];
    let note = note(&material(entries, None), LIMIT, PER_BYTE);
    assert!(note.text.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", note.text);
    assert!(note.text.contains("> fix[31m it\n> now"));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,300}",
        "[a-z \n.>#]{0,4000}",
        Just("家族 never 👨‍👩‍👧 instead of x. ".repeat(40))
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let id = "[ab]";
    prop_oneof![
        any_text().prop_map(Entry::Prompt),
        any_text().prop_map(Entry::Answer),
        any_text().prop_map(Entry::Summary),
        Just(Entry::Interrupted),
        (id, any_text()).prop_map(|(id, text)| Entry::Call { id, act: Act::Run(text) }),
        (id, any_text()).prop_map(|(id, text)| Entry::Call { id, act: Act::Change(text) }),
        (id, any_text()).prop_map(|(id, text)| Entry::Call { id, act: Act::Plan(text) }),
        (id, any_text()).prop_map(|(id, text)| Entry::Call { id, act: Act::TodoAdd(text) }),
        (id, any::<bool>(), any_text()).prop_map(|(id, failed, text)| Entry::Result {
            id,
            failed,
            text
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn never_above_the_limit_and_the_task_always_in(
        task in "[a-z]{4,12}( [a-z]{1,9}){0,600}",
        entries in prop::collection::vec(any_entry(), 0..24),
        limit in 101_u64..1_500,
        per_byte in 0.15_f64..0.6,
    ) {
        let mut all = vec![prompt(&task)];
        all.extend(entries);
        let note = note(&material(all, Some(git())), limit, per_byte);
        let scale = Scale { tokens_per_byte: per_byte };
        prop_assert!(scale.weigh(&note.text) <= limit as f64);
        prop_assert!(note.tokens <= limit);
        let heading = format!("## {TASK}\n> ");
        let at = note.text.find(&heading).expect("the task") + heading.len();
        prop_assert_eq!(note.text.get(at..at + 4), task.get(..4));
    }
}
