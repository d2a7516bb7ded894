//! What keys, clicks and news lead to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lcc::{
    domain::{Phase, Risk},
    front::{
        app::{self, ChildState, Effect, Message, Model, Overlay, alert, keybar},
        input::Action,
    },
    protocol::{Command, CompactWhen, NoticeLevel, Snapshot, Update},
};
use ui_support::{
    broken, frame, generating, idle, lost, model, notice, output, press, risk, running, say, text,
    tick,
};

const SIZE: (u16, u16) = (120, 40);

/// All but the wish for a new frame, and what title and task bar tell of the phase.
fn acts(effects: Vec<Effect>) -> Vec<Effect> {
    let shown =
        |e: &Effect| matches!(e, Effect::Redraw | Effect::SetTitle(_) | Effect::Progress(_));
    effects.into_iter().filter(|e| !shown(e)).collect()
}

fn send(command: Command) -> Vec<Effect> {
    vec![Effect::Send(command)]
}

fn at_phase(phase: Phase) -> Model {
    let mut snapshot = idle();
    snapshot.phase = phase;
    running(SIZE, snapshot)
}

fn click(model: &mut Model, col: u16, row: u16) -> Vec<Effect> {
    let kind = MouseEventKind::Down(MouseButton::Left);
    let event = MouseEvent { kind, column: col, row, modifiers: KeyModifiers::NONE };
    app::update(model, Message::Mouse(event))
}

fn dialog_open(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Dialog(_)))
}

#[test]
fn keys_by_phase() {
    use Phase::{Compacting, Generate, Idle, Prefill, Starting, Stopped, Tools};
    let compact = || send(Command::Compact(CompactWhen::Idle));
    let fresh = || send(Command::RestartFresh);
    let quit = || send(Command::Quit);
    for (key, phase, effects, asks) in [
        (2, Idle, compact(), false),
        (2, Prefill, vec![], true),
        (2, Generate, vec![], true),
        (2, Tools, vec![], true),
        (2, Compacting, vec![], false),
        (2, Starting, vec![], false),
        (2, Stopped, vec![], false),
        (5, Idle, fresh(), false),
        (5, Starting, fresh(), false),
        (5, Stopped, fresh(), false),
        (5, Prefill, vec![], true),
        (5, Generate, vec![], true),
        (5, Tools, vec![], true),
        (5, Compacting, vec![], true),
        (10, Idle, quit(), false),
        (10, Starting, quit(), false),
        (10, Stopped, quit(), false),
        (10, Prefill, vec![], true),
        (10, Tools, vec![], true),
        (10, Compacting, vec![], true),
    ] {
        let mut model = at_phase(phase);
        let done = acts(press(&mut model, KeyCode::F(key)));
        assert_eq!(done, effects, "F{key} while {phase:?}");
        assert_eq!(dialog_open(&model), asks, "F{key} while {phase:?}");
    }
}

#[test]
fn answers_in_dialogs() {
    let wait = || send(Command::Compact(CompactWhen::Idle));
    let interrupt = || send(Command::Compact(CompactWhen::Interrupt));
    let quit = || send(Command::Quit);
    use KeyCode::{BackTab, Char, Enter, Esc, Left, Right, Tab};
    for (key, answers, effects) in [
        (2, &[Enter][..], wait()),
        (2, &[Char('w')], wait()),
        (2, &[Char('I')], interrupt()),
        (2, &[Right, Enter], interrupt()),
        (2, &[Tab, Tab, Enter], vec![]),
        (2, &[Esc], vec![]),
        (2, &[Char('c')], vec![]),
        (5, &[Enter], vec![]),
        (5, &[Left, Enter], send(Command::RestartFresh)),
        (5, &[Char('r')], send(Command::RestartFresh)),
        (10, &[Enter], vec![]),
        (10, &[BackTab, Enter], quit()),
        (10, &[Char('q')], quit()),
    ] {
        let mut model = running(SIZE, generating());
        press(&mut model, KeyCode::F(key));
        let done: Vec<_> = answers.iter().flat_map(|answer| press(&mut model, *answer)).collect();
        assert_eq!(acts(done), effects, "F{key} then {answers:?}");
        assert!(!dialog_open(&model), "F{key} then {answers:?}");
    }
}

#[test]
fn a_key_without_meaning_leaves_the_dialog_open_and_reaches_nobody() {
    let mut model = running(SIZE, generating());
    press(&mut model, KeyCode::F(10));
    assert_eq!(acts(press(&mut model, KeyCode::Char('x'))), vec![]);
    assert!(dialog_open(&model));
}

#[test]
fn quitting_twice_does_not_wait_for_the_engine() {
    let mut model = running(SIZE, idle());
    assert_eq!(acts(press(&mut model, KeyCode::F(10))), send(Command::Quit));
    assert_eq!(model.child, ChildState::Ending);
    assert_eq!(acts(press(&mut model, KeyCode::F(10))), vec![Effect::Quit]);

    let mut busy = running(SIZE, generating());
    press(&mut busy, KeyCode::F(10));
    assert_eq!(acts(press(&mut busy, KeyCode::F(10))), send(Command::Quit));
    assert_eq!(acts(say(&mut busy, Update::Ended)), vec![Effect::Quit]);
}

#[test]
fn all_other_keys_are_claude_codes() {
    let mut model = running(SIZE, idle());
    let input = |bytes: &'static [u8]| send(Command::Input(Bytes::from_static(bytes)));
    for (code, bytes) in
        [(KeyCode::Char('a'), &b"a"[..]), (KeyCode::Enter, b"\r"), (KeyCode::Esc, b"\x1b")]
    {
        assert_eq!(acts(press(&mut model, code)), input(bytes));
    }
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(acts(app::update(&mut model, Message::Key(control))), input(b"\x03"));
    assert_eq!(acts(app::update(&mut model, Message::Paste("a b".into()))), input(b"a b"));
}

#[test]
fn nothing_is_sent_to_a_claude_code_that_is_gone() {
    let mut model = running(SIZE, idle());
    say(&mut model, Update::ChildEnded { code: Some(1), message: "gone".into() });
    assert_eq!(acts(press(&mut model, KeyCode::Char('a'))), vec![]);
    assert_eq!(acts(app::update(&mut model, Message::Paste("a".into()))), vec![]);
    assert_eq!(acts(press(&mut model, KeyCode::F(5))), send(Command::RestartFresh));
    let blank = acts(say(&mut model, Update::ChildStarting));
    assert_eq!(blank, send(Command::Resize { cols: 80, rows: 36 }));
    assert!(matches!(model.child, ChildState::Starting(_)));
    output(&mut model, "x");
    assert_eq!(model.child, ChildState::Running);
}

#[test]
fn replies_go_out_in_the_order_of_the_questions() {
    let mut model = running(SIZE, idle());
    let effects = acts(output(&mut model, "\x1b[>0q\x1b[c\x07"));
    let [Effect::Send(Command::Input(version)), Effect::Send(Command::Input(device)), Effect::Bell] =
        &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert!(version.starts_with(b"\x1bP>|lcc("));
    assert!(device.starts_with(b"\x1b[?"));
}

#[test]
fn the_pane_follows_the_terminal_and_the_panes() {
    let resize = |cols, rows| send(Command::Resize { cols, rows });
    let mut model = running((80, 24), idle());
    let outer =
        |model: &mut Model, cols, rows| acts(app::update(model, Message::Resize { cols, rows }));
    assert_eq!(outer(&mut model, 120, 40), resize(80, 36));
    assert_eq!(acts(press(&mut model, KeyCode::F(3))), resize(118, 36));
    assert_eq!(acts(press(&mut model, KeyCode::F(3))), resize(80, 36));
    assert_eq!(outer(&mut model, 80, 24), resize(80, 22));
    assert_eq!(outer(&mut model, 80, 24), vec![]);
    // Over Claude Code, not beside it: its size stays.
    assert_eq!(acts(press(&mut model, KeyCode::F(3))), vec![]);
    assert!(model.drawer);
}

#[test]
fn every_name_in_the_bottom_line_can_be_clicked() {
    for size in [(80, 24), (120, 40)] {
        for (action, row) in [(Action::Help, size.1 - 1), (Action::Quit, size.1 - 1)] {
            let mut model = running(size, idle());
            let entries = keybar(&model).entries;
            let entry = entries.iter().find(|e| e.action == action).unwrap();
            let effects = acts(click(&mut model, entry.col + 1, row));
            if action == Action::Help {
                assert!(matches!(model.overlays[..], [Overlay::Help(0)]));
            } else {
                assert_eq!(effects, send(Command::Quit));
            }
        }
    }
}

#[test]
fn buttons_can_be_clicked() {
    let mut model = running(SIZE, generating());
    press(&mut model, KeyCode::F(2));
    let Some(Overlay::Dialog(dialog)) = model.overlays.last().cloned() else { panic!() };
    let (area, choice) = dialog.buttons(model.layout().screen)[1];
    assert_eq!(choice.letter, 'i');
    let effects = acts(click(&mut model, area.x + 1, area.y));
    assert_eq!(effects, send(Command::Compact(CompactWhen::Interrupt)));
    assert!(!dialog_open(&model));
}

#[test]
fn an_alert_that_was_put_away_comes_back_only_anew() {
    let mut model = running(SIZE, risk(Risk::Near));
    let row = model.layout().alert.y;
    assert!(alert(&model).is_some());
    click(&mut model, 5, row);
    assert!(alert(&model).is_none());
    say(&mut model, Update::Snapshot(Box::new(risk(Risk::Near))));
    assert!(alert(&model).is_none());
    say(&mut model, Update::Snapshot(Box::new(risk(Risk::Now))));
    assert!(alert(&model).is_some(), "now is not near");
    say(&mut model, Update::Snapshot(Box::new(idle())));
    say(&mut model, Update::Snapshot(Box::new(risk(Risk::Near))));
    assert!(alert(&model).is_some(), "it had been over");
}

#[test]
fn the_loudest_alert_is_shown_and_the_others_are_counted() {
    let mut snapshot = risk(Risk::Near);
    snapshot.cache = broken().cache;
    let mut model = running(SIZE, snapshot);
    notice(&mut model, NoticeLevel::Info, "fine");
    let shown = alert(&model).unwrap();
    assert!(shown.text.starts_with("▲ near"), "{}", shown.text);
    assert_eq!(shown.behind, 2);
    say(&mut model, Update::Snapshot(Box::new(lost())));
    assert!(alert(&model).unwrap().text.contains("model server lost"));
}

#[test]
fn good_news_and_a_broken_cache_leave_the_line_by_themselves() {
    let mut model = running(SIZE, broken());
    notice(&mut model, NoticeLevel::Info, "fine");
    let texts = |model: &Model| alert(model).map(|a| (a.text, a.behind));
    assert!(texts(&model).unwrap().0.starts_with('▼'));
    assert!(tick(&mut model, 7_000).contains(&Effect::Redraw));
    assert_eq!(texts(&model).unwrap().1, 0);
    assert!(tick(&mut model, 61_000).contains(&Effect::Redraw));
    assert_eq!(texts(&model), None);
}

#[test]
fn time_asks_for_a_frame_only_when_it_shows() {
    let mut model = running(SIZE, idle());
    assert!(tick(&mut model, 100).is_empty(), "4.3 s reads as 4 s");
    assert_eq!(tick(&mut model, 1_000), vec![Effect::Redraw]);
    tick(&mut model, 70_000);
    assert!(tick(&mut model, 71_000).is_empty(), "idle for over a minute");
}

#[test]
fn the_theme_goes_round() {
    let mut model = running(SIZE, idle());
    let mut names = Vec::new();
    for _ in 0..=lcc::front::theme::builtin().len() {
        names.push(model.theme().name().to_owned());
        press(&mut model, KeyCode::F(4));
    }
    let mut expected: Vec<_> =
        lcc::front::theme::builtin().iter().map(|t| t.name().to_owned()).collect();
    expected.push("dark".to_owned());
    assert_eq!(names, expected);
}

#[test]
fn a_hang_up_asks_nothing() {
    let mut model = running(SIZE, generating());
    assert_eq!(acts(app::hang_up(&mut model)), [Effect::Send(Command::Quit), Effect::Quit]);
}

#[test]
fn what_is_not_known_is_not_a_zero() {
    let model = model(SIZE, false);
    let shown = text(&frame(&model));
    let column: String =
        shown.lines().take(39).map(|l| l.chars().skip(82).collect::<String>()).collect();
    assert!(!column.contains('0'), "{column}");
}

#[test]
fn a_snapshot_replaces_the_one_before() {
    let mut model = running(SIZE, idle());
    let snapshot = Snapshot { phase: Phase::Tools, ..idle() };
    let effects = say(&mut model, Update::Snapshot(Box::new(snapshot)));
    assert!(effects.contains(&Effect::Redraw));
    assert_eq!(acts(effects), vec![]);
    assert_eq!(model.phase(), Phase::Tools);
}

fn leader(model: &mut Model, letter: char) -> Vec<Effect> {
    let chord = KeyEvent::new(KeyCode::Char(']'), KeyModifiers::CONTROL);
    app::update(model, Message::Key(chord));
    press(model, KeyCode::Char(letter))
}

#[test]
fn leader_and_x_puts_alerts_away_one_by_one_and_esc_stays_claude_codes() {
    let mut m = running(SIZE, lost());
    notice(&mut m, NoticeLevel::Warning, "two settings were ignored");
    assert!(text(&frame(&m)).contains("Ctrl-] x"), "the line says how");
    assert_eq!(acts(press(&mut m, KeyCode::Esc)).len(), 1, "Esc is Claude Code's");
    for left in [1, 0] {
        assert_eq!(acts(leader(&mut m, 'x')), []);
        assert_eq!(usize::from(alert(&m).is_some()), left);
    }
    // With nothing to put away the key does nothing.
    assert_eq!(acts(leader(&mut m, 'x')), []);
    // Over and back again: it comes anew.
    say(&mut m, Update::Snapshot(Box::new(idle())));
    say(&mut m, Update::Snapshot(Box::new(lost())));
    assert!(alert(&m).is_some_and(|a| a.text.contains("model server lost")));
}

#[test]
fn typing_returns_to_the_end_and_losing_the_focus_does_not() {
    let scrolled = || {
        let mut m = running(SIZE, idle());
        output(&mut m, &"line\r\n".repeat(100));
        output(&mut m, "\x1b[?1004h");
        m.terminal.scroll(10);
        assert!(m.terminal.view_offset() > 0);
        m
    };
    let mut m = scrolled();
    app::update(&mut m, Message::Focus(false));
    assert!(m.terminal.view_offset() > 0, "whoever reads back goes on reading");
    press(&mut m, KeyCode::Char('a'));
    assert_eq!(m.terminal.view_offset(), 0);
    let mut m = scrolled();
    app::update(&mut m, Message::Paste("pasted".to_owned()));
    assert_eq!(m.terminal.view_offset(), 0);
}

#[test]
fn notes_of_the_start_can_be_read_again() {
    let note = "limits on the number of processes do not hold";
    let mut m = model(SIZE, false);
    notice(&mut m, NoticeLevel::Info, note);
    output(&mut m, "> ");
    say(&mut m, Update::Snapshot(Box::new(idle())));
    tick(&mut m, 60_000);
    assert!(!text(&frame(&m)).contains(note), "it is over");
    assert!(text(&frame(&m)).contains("1 note: F1"), "the sandbox pane says where");
    press(&mut m, KeyCode::F(1));
    assert!(text(&frame(&m)).contains(note));
}

#[test]
fn an_alert_that_is_too_long_for_its_line_stands_in_the_help() {
    let mut m = running((80, 24), idle());
    notice(&mut m, NoticeLevel::Error, &format!("{}the way out", "a long reason ".repeat(6)));
    assert!(text(&frame(&m)).contains("F1 reads on"));
    press(&mut m, KeyCode::F(1));
    assert!(text(&frame(&m)).contains("the way out"));
}

#[test]
fn the_practice_servers_memory_is_not_shown_as_a_servers() {
    let mut snapshot = ui_support::practice_idle();
    snapshot.server.rss = Some(123 << 20);
    let shown = text(&frame(&running(SIZE, snapshot)));
    assert!(!shown.contains("123.0 MiB"), "{shown}");
    assert!(shown.contains("practice server: no model"));
    assert!(shown.contains("practice 0.1.0"));
}
