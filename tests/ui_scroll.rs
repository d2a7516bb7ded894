//! Looking back in the pane: scrolling, searching, turns, selecting, copying, saving; and who is
//! called when somebody looks elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_support;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lcc::{
    domain::{Moment, Phase, Risk, Tier},
    front::{
        app::{self, Effect, Message, Model, Options, Title, Want, position},
        input::Keymap,
        terminal::Progress,
        theme, ui,
    },
    protocol::{Command, Snapshot, Update},
};
use ui_support::{
    frame, generating, idle, model, output, prefill, press, risk, running, say, text, tick,
};

const SIZES: [(u16, u16); 4] = [(60, 18), (80, 24), (120, 40), (200, 60)];

/// Three turns, each with its prompt and an answer of forty lines, in a pane of this size.
fn talked(size: (u16, u16)) -> Model {
    let title = Title { project: "my-project".to_owned(), practice: false };
    let themes = theme::builtin();
    let options =
        Options { title, keymap: Keymap::default(), themes, theme: 0, scrollback: 10_000 };
    let mut m = Model::new(options, size);
    for turn in 1..=3 {
        output(&mut m, &format!("❯ question {turn}\r\n\r\n"));
        say(&mut m, Update::TurnStarted { number: turn });
        for line in 0..40 {
            output(&mut m, &format!("● answer {turn}, line {line}: some Words\r\n"));
        }
    }
    output(&mut m, "────────\r\n❯\u{a0}");
    say(&mut m, Update::Snapshot(Box::new(idle())));
    m
}

fn key(model: &mut Model, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    app::update(model, Message::Key(KeyEvent::new(code, modifiers)))
}

fn keys(model: &mut Model, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| press(model, KeyCode::Char(c))).collect()
}

fn leader(model: &mut Model, letter: char) -> Vec<Effect> {
    key(model, KeyCode::Char(']'), KeyModifiers::CONTROL);
    press(model, KeyCode::Char(letter))
}

fn mouse(model: &mut Model, kind: MouseEventKind, col: u16, row: u16) -> Vec<Effect> {
    let event = MouseEvent { kind, column: col, row, modifiers: KeyModifiers::NONE };
    app::update(model, Message::Mouse(event))
}

/// What went to Claude Code.
fn input(effects: &[Effect]) -> Vec<u8> {
    let bytes = |effect: &Effect| match effect {
        Effect::Send(Command::Input(bytes)) => Some(bytes.to_vec()),
        _ => None,
    };
    effects.iter().filter_map(bytes).flatten().collect()
}

fn copied(effects: &[Effect]) -> Option<String> {
    effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    })
}

fn row(model: &Model, y: u16) -> String {
    text(&frame(model)).lines().nth(usize::from(y)).unwrap().to_owned()
}

/// The first row of Claude Code's pane, without its frame.
fn first_row(model: &Model) -> String {
    let pane = model.layout().pane;
    let line: String = row(model, pane.y).chars().skip(usize::from(pane.x)).collect();
    let line: String = line.chars().take(usize::from(pane.width)).collect();
    line.trim_end().to_owned()
}

fn last_row(model: &Model) -> String {
    row(model, model.size.1 - 1)
}

#[test]
fn how_it_looks() {
    for size in SIZES {
        let (cols, rows) = size;
        let shot = |name: &str, model: &Model| {
            insta::assert_snapshot!(format!("scroll_{name}_{cols}x{rows}"), text(&frame(model)));
        };
        let mut m = talked(size);
        press(&mut m, KeyCode::PageUp);
        shot("scrolled", &m);
        leader(&mut m, 'k');
        shot("at_a_turn", &m);
        let mut m = talked(size);
        leader(&mut m, '/');
        keys(&mut m, "words");
        shot("typing", &m);
        press(&mut m, KeyCode::Enter);
        keys(&mut m, "nn");
        shot("found", &m);
        keys(&mut m, "kV");
        shot("selecting", &m);
        keys(&mut m, "s");
        shot("saving", &m);
        let mut m = talked(size);
        leader(&mut m, 'r');
        shot("reading", &m);
        leader(&mut m, '/');
        keys(&mut m, "(nowhere");
        shot("not_found", &m);
    }
}

#[test]
fn page_keys_scroll_and_esc_returns() {
    let mut m = talked((80, 24));
    assert_eq!(position(&m), None);
    assert_eq!(input(&press(&mut m, KeyCode::PageUp)), b"");
    assert_eq!(position(&m).unwrap().lines, 20);
    assert!(text(&frame(&m)).contains("↑ 20 lines"));
    key(&mut m, KeyCode::PageUp, KeyModifiers::SHIFT);
    assert_eq!(position(&m).unwrap().lines, 40);
    press(&mut m, KeyCode::PageDown);
    assert_eq!(position(&m).unwrap().lines, 20);
    key(&mut m, KeyCode::Home, KeyModifiers::SHIFT);
    assert!(first_row(&m).starts_with("❯ question 1"), "{}", first_row(&m));
    // Output does not move what is read.
    output(&mut m, "more\r\nand more\r\n");
    assert!(first_row(&m).starts_with("❯ question 1"), "{}", first_row(&m));
    assert_eq!(input(&press(&mut m, KeyCode::Esc)), b"", "Esc only returns");
    assert_eq!(position(&m), None);
    assert_eq!(input(&press(&mut m, KeyCode::Esc)), b"\x1b", "and is Claude Code's again");
    // The prompt's own keys stay its own.
    assert_eq!(input(&press(&mut m, KeyCode::Home)), b"\x1b[H");
    assert_eq!(input(&press(&mut m, KeyCode::End)), b"\x1b[F");
    // Typing returns to the end and is typed.
    press(&mut m, KeyCode::PageUp);
    assert_eq!(input(&keys(&mut m, "x")), b"x");
    assert_eq!(position(&m), None);
}

#[test]
fn the_alternate_screen_keeps_its_keys_and_its_wheel() {
    let mut m = talked((80, 24));
    output(&mut m, "\x1b[?1049h\x1b[?1000h\x1b[?1006h");
    assert_eq!(input(&press(&mut m, KeyCode::PageUp)), b"\x1b[5~");
    assert_eq!(input(&key(&mut m, KeyCode::PageUp, KeyModifiers::SHIFT)), b"\x1b[5;2~");
    assert_eq!(input(&mouse(&mut m, MouseEventKind::ScrollUp, 3, 3)), b"\x1b[<64;4;4M");
    assert_eq!(position(&m), None);
    leader(&mut m, 'k');
    assert!(text(&frame(&m)).contains("keeps its own history"));
}

#[test]
fn from_turn_to_turn() {
    let mut m = talked((80, 24));
    for turn in [3, 2, 1] {
        leader(&mut m, 'k');
        assert!(first_row(&m).starts_with(&format!("❯ question {turn}")), "{}", first_row(&m));
        assert_eq!(position(&m).unwrap().turn, Some((turn, 3)));
    }
    leader(&mut m, 'k');
    assert!(text(&frame(&m)).contains("no turn begins above this"));
    leader(&mut m, 'j');
    assert!(first_row(&m).starts_with("❯ question 2"));
    // A narrower screen wraps the lines anew; the marks stay with theirs.
    app::update(&mut m, Message::Resize { cols: 62, rows: 18 });
    press(&mut m, KeyCode::Esc);
    for turn in [3, 2, 1] {
        leader(&mut m, 'k');
        assert!(first_row(&m).starts_with(&format!("❯ question {turn}")), "{}", first_row(&m));
    }
    for _ in 0..3 {
        leader(&mut m, 'j');
    }
    assert_eq!(position(&m), None, "after the last turn the live screen");
}

#[test]
fn a_turn_without_a_prompt_is_marked_where_the_cursor_is() {
    let mut m = model((80, 24), false);
    tick(&mut m, 1_000);
    output(&mut m, "no prompt here\r\nnor here");
    say(&mut m, Update::TurnStarted { number: 1 });
    tick(&mut m, 2_900);
    assert_eq!(m.terminal.turn_marks(), []);
    tick(&mut m, 3_000);
    let marks = m.terminal.turn_marks();
    assert_eq!(marks.iter().map(|mark| (mark.number, mark.line)).collect::<Vec<_>>(), [(1, 1)]);
}

#[test]
fn a_prompt_that_comes_after_its_request_is_marked_when_it_is_there() {
    let mut m = talked((80, 24));
    say(&mut m, Update::TurnStarted { number: 4 });
    assert_eq!(m.terminal.turn_marks().len(), 3);
    output(&mut m, "\r\n❯ question 4\r\n");
    assert_eq!(m.terminal.turn_marks().len(), 4);
}

#[test]
fn a_search_while_it_is_typed() {
    let mut m = talked((80, 24));
    leader(&mut m, '/');
    assert_eq!(input(&keys(&mut m, "words")), b"", "keys are lcc's");
    assert!(last_row(&m).contains("/words"), "{}", last_row(&m));
    assert!(last_row(&m).contains("120/120"), "{}", last_row(&m));
    press(&mut m, KeyCode::Up);
    assert!(last_row(&m).contains("119/120"));
    press(&mut m, KeyCode::Enter);
    keys(&mut m, "nn");
    assert!(last_row(&m).contains("117/120"), "{}", last_row(&m));
    keys(&mut m, "N");
    assert!(last_row(&m).contains("118/120"));
    keys(&mut m, "c");
    assert!(last_row(&m).contains("not found case"), "{}", last_row(&m));
    keys(&mut m, "/");
    keys(&mut m, "line .9");
    assert!(last_row(&m).contains("not found case"));
    key(&mut m, KeyCode::Char('r'), KeyModifiers::CONTROL);
    assert!(last_row(&m).contains("8/9 case regex"), "{}", last_row(&m));
    press(&mut m, KeyCode::Backspace);
    press(&mut m, KeyCode::Esc);
    assert!(!last_row(&m).contains("regex  "), "the search is given up");
    press(&mut m, KeyCode::Esc);
    assert!(m.reader.is_none());
    assert!(last_row(&m).contains("F1 help"));
    assert_eq!(input(&keys(&mut m, "n")), b"n", "keys are Claude Code's again");
}

#[test]
fn a_place_that_was_found_is_marked_without_colour_too() {
    let mut m = talked((80, 24));
    leader(&mut m, '/');
    keys(&mut m, "answer 3, line 3");
    let buffer = frame(&m);
    let marked: Vec<_> = buffer
        .content
        .iter()
        .filter(|cell| cell.modifier.contains(ratatui::style::Modifier::UNDERLINED))
        .collect();
    // "line 3" and "line 30" to "line 39"; one of them is the one one stands on.
    assert_eq!(marked.len() / "answer 3, line 3".len(), 9, "of those in sight");
    let here = buffer.content.iter().filter(|cell| {
        cell.modifier.contains(ratatui::style::Modifier::BOLD) && cell.symbol() != " "
    });
    assert!(here.count() > 0);
}

#[test]
fn output_while_searching_is_counted() {
    let mut m = talked((80, 24));
    tick(&mut m, 1_000);
    leader(&mut m, '/');
    keys(&mut m, "words");
    press(&mut m, KeyCode::Enter);
    output(&mut m, "\r\nmore words\r\n");
    assert!(last_row(&m).contains("/120"));
    let wake = m.wake().unwrap();
    assert_eq!(wake, Moment::from_millis(1_250));
    let effects = app::update(&mut m, Message::Tick(wake));
    assert!(effects.contains(&Effect::Redraw));
    assert!(last_row(&m).contains("/121"), "{}", last_row(&m));
}

#[test]
fn selecting_by_keys_as_in_vi() {
    let mut m = talked((80, 24));
    leader(&mut m, '/');
    keys(&mut m, "answer 3, line 38");
    press(&mut m, KeyCode::Enter);
    assert_eq!(copied(&keys(&mut m, "y")), None);
    assert!(last_row(&m).contains("nothing is selected"));
    keys(&mut m, "vee");
    press(&mut m, KeyCode::Esc);
    assert!(m.reader.is_some(), "the first Esc takes the selection back");
    keys(&mut m, "0wve");
    let effects = keys(&mut m, "y");
    assert_eq!(copied(&effects).as_deref(), Some("answer"));
    assert!(m.reader.is_none(), "copying ends it");

    leader(&mut m, 'r');
    keys(&mut m, "kkkV");
    press(&mut m, KeyCode::Down);
    let effects = press(&mut m, KeyCode::Enter);
    let lines = "● answer 3, line 38: some Words\n● answer 3, line 39: some Words";
    assert_eq!(copied(&effects).as_deref(), Some(lines));

    leader(&mut m, 'r');
    keys(&mut m, "kkk0");
    key(&mut m, KeyCode::Char('v'), KeyModifiers::CONTROL);
    keys(&mut m, "lj");
    assert_eq!(copied(&keys(&mut m, "y")).as_deref(), Some("●\n●"));
}

#[test]
fn every_key_of_reading_mode_leaves_the_pane_whole() {
    let mut m = talked((80, 24));
    leader(&mut m, 'r');
    let all = "hjklwbe0^$gGHML{}%vVnNcr[]y";
    for a in all.chars() {
        for b in all.chars() {
            leader(&mut m, 'r');
            keys(&mut m, &format!("{a}{b}"));
            let _ = frame(&m);
        }
    }
    for code in [KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Up] {
        leader(&mut m, 'r');
        press(&mut m, code);
        let _ = frame(&m);
    }
}

#[test]
fn the_mouse_selects_by_cell_word_and_line() {
    let mut m = talked((80, 24));
    let left = MouseButton::Left;
    tick(&mut m, 10_000);
    let y = 5;
    let line = row(&m, y);
    mouse(&mut m, MouseEventKind::Down(left), 2, y);
    mouse(&mut m, MouseEventKind::Drag(left), 7, y);
    let effects = mouse(&mut m, MouseEventKind::Up(left), 7, y);
    assert_eq!(copied(&effects).as_deref(), Some("answer"));
    tick(&mut m, 20_000);
    let click = |m: &mut Model| {
        mouse(m, MouseEventKind::Down(left), 3, y);
        copied(&mouse(m, MouseEventKind::Up(left), 3, y))
    };
    assert_eq!(click(&mut m), None);
    assert_eq!(click(&mut m).as_deref(), Some("answer"));
    assert_eq!(click(&mut m), Some(line.trim_end().to_owned()));
    // Typing takes the selection away.
    keys(&mut m, "x");
    assert!(!m.terminal.has_selection());
}

#[test]
fn a_drag_beyond_the_edge_brings_the_text_along() {
    let mut m = talked((120, 40));
    let left = MouseButton::Left;
    let pane = m.layout().pane;
    mouse(&mut m, MouseEventKind::Down(left), pane.x + 2, pane.y + 1);
    for _ in 0..5 {
        mouse(&mut m, MouseEventKind::Drag(left), pane.x + 2, 0);
    }
    assert_eq!(position(&m).unwrap().lines, 5);
    let effects = mouse(&mut m, MouseEventKind::Up(left), pane.x + 2, 0);
    assert_eq!(copied(&effects).unwrap().lines().count(), 7);
}

#[test]
fn saving_asks_for_a_name_and_keeps_it_when_it_is_taken() {
    let mut m = talked((80, 24));
    leader(&mut m, 's');
    assert!(last_row(&m).contains("save as my-project-turn7.txt"), "{}", last_row(&m));
    key(&mut m, KeyCode::Char('u'), KeyModifiers::CONTROL);
    keys(&mut m, "a.txt");
    let effects = press(&mut m, KeyCode::Enter);
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::Save { name, text } => Some((name.clone(), text.clone())),
        _ => None,
    });
    let (name, content) = saved.unwrap();
    assert_eq!(name, "a.txt");
    assert!(content.starts_with("❯ question 1\n\n● answer 1, line 0: some Words\n"), "{content}");
    assert_eq!(content.lines().filter(|line| line.contains("some Words")).count(), 120);
    app::update(&mut m, Message::Saved(Err("a.txt is there already".to_owned())));
    assert!(last_row(&m).contains("is there already"), "{}", last_row(&m));
    assert!(last_row(&m).contains("a.txt"));
    app::update(&mut m, Message::Saved(Ok("late".to_owned())));
    keys(&mut m, "2");
    press(&mut m, KeyCode::Enter);
    app::update(&mut m, Message::Saved(Ok("/x/a.txt2".to_owned())));
    assert!(m.reader.is_none());
    assert!(text(&frame(&m)).contains("saved: /x/a.txt2"));
}

#[test]
fn reading_ends_with_the_child_and_is_not_begun_before_it() {
    let mut m = model((80, 24), false);
    leader(&mut m, '/');
    assert!(m.reader.is_none());
    assert!(text(&frame(&m)).contains("nothing to read yet"));
    let mut m = talked((80, 24));
    leader(&mut m, '/');
    say(&mut m, Update::ChildStarting);
    assert!(m.reader.is_none());
}

#[test]
fn the_cursor_is_the_caret_while_reading() {
    let mut m = talked((80, 24));
    let before = ui::cursor(&m).unwrap().position;
    leader(&mut m, 'r');
    assert_eq!(ui::cursor(&m).unwrap().position, before);
    keys(&mut m, "k0");
    let caret = ui::cursor(&m).unwrap().position;
    assert_eq!((caret.x, caret.y + 1), (0, before.y));
    keys(&mut m, "/ab");
    assert_eq!(ui::cursor(&m).unwrap().position, (4, 23).into());
}

#[test]
fn a_dropped_file_outside_the_project_is_told_of_and_passed() {
    let mut m = running((120, 40), idle());
    m.folder = Some("/home/u/my-project".into());
    let drop = |m: &mut Model, text: &str| app::update(m, Message::Paste(text.to_owned()));
    assert_eq!(
        input(&drop(&mut m, "'/home/u/my-project/a b.png'")),
        b"'/home/u/my-project/a b.png'"
    );
    assert!(!text(&frame(&m)).contains("outside the project"));
    assert_eq!(input(&drop(&mut m, "/tmp/shot.png")), b"/tmp/shot.png");
    assert!(text(&frame(&m)).contains("/tmp/shot.png is outside the project"));
    let effects = key(&mut m, KeyCode::Char('v'), KeyModifiers::CONTROL);
    assert_eq!(input(&effects), b"\x16");
    assert!(m.notices.said().any(|shown| shown.notice.text.contains("no clipboard for a picture")));
    // Without a sandbox there is nothing to say.
    let mut m = running((120, 40), ui_support::unconfined(Tier::Off));
    m.folder = Some("/home/u/my-project".into());
    drop(&mut m, "/tmp/shot.png");
    assert!(!text(&frame(&m)).contains("outside the project"));
}

#[test]
fn a_paste_of_five_megabytes_goes_whole_and_clean() {
    let mut m = running((120, 40), idle());
    output(&mut m, "\x1b[?2004h");
    let mut pasted = "a line of text, \x1b[201~ and more of it\n".repeat(135_000);
    pasted.push_str("end");
    assert!(pasted.len() > 5_000_000);
    let bytes = input(&app::update(&mut m, Message::Paste(pasted)));
    assert!(bytes.starts_with(b"\x1b[200~a line") && bytes.ends_with(b"end\x1b[201~"));
    assert_eq!(bytes.iter().filter(|b| **b == b'\r').count(), 135_000);
    assert_eq!(bytes.iter().filter(|b| **b == 0x1b).count(), 2, "nothing ends it early");
}

#[test]
fn ctrl_z_stops_lcc_and_is_told_when_that_cannot_be() {
    let mut m = running((80, 24), idle());
    let effects = key(&mut m, KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert!(effects.contains(&Effect::Suspend));
    assert_eq!(input(&effects), b"");
    app::update(&mut m, Message::CannotStop);
    assert!(text(&frame(&m)).contains("not started from a shell"));
}

fn calls(effects: &[Effect]) -> Vec<Want> {
    let want = |effect: &Effect| match effect {
        Effect::Call { want, .. } => Some(*want),
        _ => None,
    };
    effects.iter().filter_map(want).collect()
}

fn figures(m: &mut Model, snapshot: Snapshot) -> Vec<Effect> {
    say(m, Update::Snapshot(Box::new(snapshot)))
}

#[test]
fn who_looks_elsewhere_is_called_and_who_looks_is_not() {
    for away in [false, true] {
        let mut m = running((120, 40), idle());
        tick(&mut m, 1_000);
        app::update(&mut m, Message::Focus(!away));
        figures(&mut m, generating());
        tick(&mut m, 40_000);
        figures(&mut m, idle());
        assert_eq!(m.wake(), Some(Moment::from_millis(41_000)));
        let effects = tick(&mut m, 41_000);
        let want = if away { vec![Want::TurnEnded(39)] } else { vec![] };
        assert_eq!(calls(&effects), want);
        assert_eq!(effects.contains(&Effect::Bell), away);
        let notified = Effect::Notify("my-project: the turn has ended after 39 s".to_owned());
        assert_eq!(effects.contains(&notified), away);
        let effects = figures(&mut m, risk(Risk::Now));
        assert_eq!(calls(&effects), if away { vec![Want::WindowFull] } else { vec![] });
    }
}

#[test]
fn claude_code_that_waits_in_the_midst_of_a_turn_is_told() {
    let mut m = running((120, 40), idle());
    app::update(&mut m, Message::Focus(false));
    tick(&mut m, 1_000);
    output(&mut m, "\x1b]0;⠂ Claude Code\x07");
    let mut tools = generating();
    tools.phase = Phase::Tools;
    figures(&mut m, tools);
    output(&mut m, "\x1b]0;✳ Claude Code\x07");
    assert_eq!(m.wake(), Some(Moment::from_millis(4_000)));
    assert_eq!(calls(&tick(&mut m, 4_000)), [Want::Waits]);
    assert_eq!(calls(&tick(&mut m, 9_000)), []);
}

#[test]
fn title_and_task_bar_tell_the_phase() {
    let titles = |effects: &[Effect]| -> Vec<String> {
        let title = |effect: &Effect| match effect {
            Effect::SetTitle(title) => Some(title.clone()),
            _ => None,
        };
        effects.iter().filter_map(title).collect()
    };
    let mut m = running((120, 40), idle());
    let effects = output(&mut m, "\x1b]0;⠂ Fix the ingress\x07");
    assert_eq!(titles(&effects), ["⠂ Fix the ingress · lcc · my-project"]);
    let effects = figures(&mut m, prefill());
    assert_eq!(titles(&effects), ["reading 61 % · ⠂ Fix the ingress · lcc · my-project"]);
    assert!(effects.contains(&Effect::Progress(Progress::Percent(61))));
    assert_eq!(titles(&figures(&mut m, prefill())), Vec::<String>::new(), "nothing changed");
    let effects = figures(&mut m, generating());
    assert_eq!(titles(&effects), ["writing · ⠂ Fix the ingress · lcc · my-project"]);
    assert!(effects.contains(&Effect::Progress(Progress::Busy)));
    let effects = figures(&mut m, idle());
    assert!(effects.contains(&Effect::Progress(Progress::Off)));
}
