//! The composer: what F6 and F7 open, what is typed and sent, and how it looks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lcc::{
    front::app::{self, Effect, Message, Model, Overlay, Purpose},
    protocol::{Command, Handover, Update},
};
use ui_support::{frame, generating, idle, model, output, press, running, say, text};

const SIZES: [(u16, u16); 4] = [(60, 18), (80, 24), (120, 40), (200, 60)];

const NOTE: &str = "This goes on with the work of an earlier session. Its conversation is not \
    here; this note was put together from its transcript.\n\n## Task, in the user's words\n\
    > fix the failing ingress\n\n## Files changed\n- M src/main.rs +10 -2\n\nGo on with the task \
    from here.";

fn handover(text: &str) -> Update {
    Update::Handover(Handover {
        text: text.to_owned(),
        tokens: 74,
        estimated: false,
        session: "0b6f3d2e-0000-4000-8000-000000000001".to_owned(),
        broken: 0,
    })
}

fn ctrl(model: &mut Model, c: char) -> Vec<Effect> {
    app::update(model, Message::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)))
}

fn write(model: &mut Model, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| press(model, KeyCode::Char(c))).collect()
}

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    let command = |effect| match effect {
        Effect::Send(Command::Weigh { .. } | Command::Files)
        | Effect::Redraw
        | Effect::SetTitle(_)
        | Effect::Progress(_) => None,
        Effect::Send(command) => Some(command),
        other => panic!("{other:?}"),
    };
    effects.into_iter().filter_map(command).collect()
}

fn with_note(size: (u16, u16), snapshot: lcc::protocol::Snapshot) -> Model {
    let mut m = running(size, snapshot);
    assert_eq!(sent(press(&mut m, KeyCode::F(6))), [Command::Handover]);
    say(&mut m, handover(NOTE));
    m
}

fn open(model: &Model) -> Option<Purpose> {
    match model.overlays.last() {
        Some(Overlay::Composer(purpose)) => Some(*purpose),
        Some(
            Overlay::Help(_)
            | Overlay::Dialog(_)
            | Overlay::Log(_)
            | Overlay::Zoom(_)
            | Overlay::Explain(_)
            | Overlay::Palette(_),
        )
        | None => None,
    }
}

#[test]
fn how_it_looks() {
    for size in SIZES {
        let (cols, rows) = size;
        let shot = |name: &str, model: &Model| {
            insta::assert_snapshot!(format!("composer_{name}_{cols}x{rows}"), text(&frame(model)));
        };
        shot("note", &with_note(size, idle()));
        shot("note_busy", &with_note(size, generating()));
        let mut m = running(size, idle());
        press(&mut m, KeyCode::F(7));
        shot("empty", &m);
        write(&mut m, "first line");
        press(&mut m, KeyCode::Enter);
        write(&mut m, "and a second one");
        say(&mut m, Update::Weighed { revision: 27, tokens: 7, estimated: true });
        shot("prompt", &m);
        let mut m = with_note(size, generating());
        ctrl(&mut m, 's');
        shot("note_asks", &m);
    }
}

#[test]
fn a_note_is_edited_and_starts_a_fresh_session() {
    let mut m = with_note((120, 40), idle());
    assert_eq!(open(&m), Some(Purpose::Note));
    write(&mut m, "Be quick. ");
    let started = sent(ctrl(&mut m, 's'));
    assert_eq!(started, [Command::StartWith(format!("Be quick. {NOTE}"))]);
    assert_eq!(open(&m), None);
    // How to get the old conversation back is told.
    assert!(text(&frame(&m)).contains("lcc --resume 0b6f3d2e-0000-4000-8000-000000000001"));
}

#[test]
fn a_note_no_argument_can_hold_stays_in_the_composer() {
    let mut m = with_note((120, 40), idle());
    app::update(&mut m, Message::Paste("many words ".repeat(20_000)));
    assert_eq!(sent(ctrl(&mut m, 's')), []);
    assert_eq!(open(&m), Some(Purpose::Note));
}

#[test]
fn cancelling_leaves_everything_as_it_was() {
    for key in [KeyCode::Esc, KeyCode::F(6)] {
        let mut m = with_note((120, 40), idle());
        assert_eq!(sent(press(&mut m, key)), []);
        assert_eq!(open(&m), None);
        // Keys are Claude Code's again.
        assert_eq!(sent(press(&mut m, KeyCode::Char('x'))), [Command::Input("x".into())]);
    }
}

#[test]
fn a_turn_under_way_is_asked_about_before_it_is_ended() {
    let mut m = with_note((120, 40), generating());
    assert_eq!(sent(ctrl(&mut m, 's')), []);
    assert!(matches!(m.overlays.last(), Some(Overlay::Dialog(_))));
    // Enter is on the harmless button: back to the note.
    assert_eq!(sent(press(&mut m, KeyCode::Enter)), []);
    assert_eq!(open(&m), Some(Purpose::Note));
    ctrl(&mut m, 's');
    let started = sent(press(&mut m, KeyCode::Char('s')));
    assert_eq!(started, [Command::StartWith(NOTE.to_owned())]);
    assert!(m.overlays.is_empty());
}

#[test]
fn a_note_nobody_waits_for_opens_nothing() {
    let mut m = running((120, 40), idle());
    say(&mut m, handover(NOTE));
    assert_eq!(open(&m), None);
    let mut m = model((120, 40), false);
    assert_eq!(sent(press(&mut m, KeyCode::F(6))), []);
}

#[test]
fn a_prompt_goes_as_one_paste() {
    let mut m = running((120, 40), idle());
    output(&mut m, "\x1b[?2004h");
    press(&mut m, KeyCode::F(7));
    write(&mut m, "one");
    press(&mut m, KeyCode::Enter);
    app::update(&mut m, Message::Paste("two\r\nthree\x1b[201~".to_owned()));
    ctrl(&mut m, 'j');
    write(&mut m, "four");
    let paste = "\x1b[200~one\rtwo\rthree[201~\rfour\x1b[201~";
    assert_eq!(sent(ctrl(&mut m, 's')), [Command::Prompt(paste.into())]);
    assert_eq!(open(&m), None);
    // Nothing is sent twice, and what was sent comes back by ↑.
    press(&mut m, KeyCode::F(7));
    assert_eq!(sent(ctrl(&mut m, 's')), []);
    write(&mut m, "draft");
    press(&mut m, KeyCode::Up);
    assert_eq!(m.composer.text(Purpose::Prompt), "one\ntwo\nthree[201~\nfour");
    press(&mut m, KeyCode::Down);
    assert_eq!(m.composer.text(Purpose::Prompt), "draft");
}

#[test]
fn the_draft_stays_while_the_composer_is_closed() {
    let mut m = running((80, 24), idle());
    press(&mut m, KeyCode::F(7));
    write(&mut m, "half a thought");
    press(&mut m, KeyCode::Esc);
    press(&mut m, KeyCode::F(7));
    assert_eq!(m.composer.text(Purpose::Prompt), "half a thought");
    press(&mut m, KeyCode::F(7));
    assert_eq!(open(&m), None);
}

#[test]
fn every_change_is_weighed_and_late_answers_are_passed_over() {
    let mut m = running((120, 40), idle());
    press(&mut m, KeyCode::F(7));
    let asked = |effects: Vec<Effect>| {
        let weigh = |effect| match effect {
            Effect::Send(Command::Weigh { revision, text }) => Some((revision, text)),
            _ => None,
        };
        effects.into_iter().find_map(weigh)
    };
    let (first, text) = asked(write(&mut m, "a")).unwrap();
    assert_eq!(text, "a");
    let (second, text) = asked(write(&mut m, "b")).unwrap();
    assert_eq!(text, "ab");
    assert_eq!(asked(press(&mut m, KeyCode::Left)), None);
    say(&mut m, Update::Weighed { revision: first, tokens: 9, estimated: false });
    assert_eq!(m.composer.weight(Purpose::Prompt), None);
    say(&mut m, Update::Weighed { revision: second, tokens: 2, estimated: false });
    let weight = m.composer.weight(Purpose::Prompt).unwrap();
    assert_eq!((weight.tokens, weight.estimated, weight.stale), (2, false, false));
    write(&mut m, "c");
    assert!(m.composer.weight(Purpose::Prompt).unwrap().stale);
}

#[test]
fn no_size_of_the_terminal_breaks_it() {
    let mut m = with_note((120, 40), idle());
    for size in [(60, 18), (61, 19), (200, 60), (5, 2), (1, 1), (80, 24)] {
        app::update(&mut m, Message::Resize { cols: size.0, rows: size.1 });
        frame(&m);
        press(&mut m, KeyCode::PageDown);
        press(&mut m, KeyCode::Up);
        frame(&m);
    }
}

#[test]
fn files_are_completed_behind_an_at() {
    let mut m = running((80, 24), idle());
    press(&mut m, KeyCode::F(7));
    let effects = write(&mut m, "look at @");
    assert!(effects.contains(&Effect::Send(Command::Files)));
    assert!(!write(&mut m, "ma").contains(&Effect::Send(Command::Files)), "asked once");
    let files = ["src/main.rs", "src/domain/mod.rs", "docs/manual page.md", "Makefile", "a", "b"];
    say(&mut m, Update::Files(files.map(str::to_owned).to_vec()));
    let names = |m: &Model| m.composer.completion().unwrap().0.to_vec();
    assert_eq!(names(&m), ["Makefile", "src/main.rs", "docs/manual page.md", "src/domain/mod.rs"]);
    press(&mut m, KeyCode::Tab);
    press(&mut m, KeyCode::Tab);
    assert_eq!(m.composer.text(Purpose::Prompt), "look at @src/main.rs");
    insta::assert_snapshot!("composer_files_80x24", text(&frame(&m)));
    press(&mut m, KeyCode::Tab);
    assert_eq!(m.composer.text(Purpose::Prompt), "look at @\"docs/manual page.md\"");
    press(&mut m, KeyCode::BackTab);
    write(&mut m, " and go");
    assert_eq!(m.composer.completion(), None);
    assert_eq!(m.composer.text(Purpose::Prompt), "look at @src/main.rs and go");
    // Esc puts the list away first, then the composer.
    write(&mut m, " @m");
    press(&mut m, KeyCode::Esc);
    assert_eq!((open(&m), m.composer.completion()), (Some(Purpose::Prompt), None));
    press(&mut m, KeyCode::Esc);
    assert_eq!(open(&m), None);
}
