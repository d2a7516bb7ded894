//! Tests of frames: what reaches the outer terminal, and that it is what was drawn.

use bytes::Bytes;
use crossterm::event::KeyCode;
use proptest::prelude::*;

use super::*;
use crate::{
    front::{
        app::{self, Message, Options, Title},
        input::Keymap,
        theme::builtin,
    },
    protocol::Update,
};

fn model(size: (u16, u16)) -> Model {
    let title = Title { project: "demo".to_owned(), practice: true };
    let keymap = Keymap::default();
    Model::new(Options { title, keymap, themes: builtin(), theme: 0, scrollback: 10 }, size)
}

fn say(model: &mut Model, text: &'static str) {
    let bytes = Bytes::from_static(text.as_bytes());
    app::update(model, Message::Update(Update::Output(bytes)));
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let mut model = model((120, 40));
    let mut screen = Screen::new(Depth::TrueColour, true);
    let mut out = Vec::new();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    assert!(!out.is_empty());
    out.clear();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    assert!(out.is_empty());
    say(&mut model, "x");
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    assert!(out.starts_with(b"\x1b[?2026h") && out.ends_with(b"\x1b[?2026l"));
}

#[test]
fn an_independent_terminal_shows_the_frame_and_the_cursor() {
    let mut model = model((80, 24));
    let mut screen = Screen::new(Depth::TrueColour, true);
    let mut outer = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
    let mut out = Vec::new();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    say(&mut model, "\x1b[31mred\x1b[0m 漢字 ok\r\n> ");
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    outer.process(&out);
    let rows: Vec<_> = outer.screen().rows(0, 80).collect();
    assert_eq!(rows[0].trim_end(), "red 漢字 ok");
    assert_eq!(rows[1].trim_end(), ">");
    assert!(rows[23].contains("F1 help") && rows[23].contains("F10 quit"), "{}", rows[23]);
    assert_eq!(outer.screen().cursor_position(), (1, 2));
    assert!(!outer.screen().hide_cursor());
}

#[test]
fn underlines_and_links_reach_the_outer_terminal_and_change_by_themselves() {
    let mut model = model((80, 24));
    let mut screen = Screen::new(Depth::TrueColour, true);
    let mut out = Vec::new();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    let mut frame = |model: &mut Model, text: &'static str| {
        say(model, text);
        out.clear();
        screen.draw(model, &Damage::Full, false, &mut out).unwrap();
        String::from_utf8(out.clone()).unwrap()
    };
    let curly = frame(&mut model, "\x1b[4:3;58:5:1mx\x1b[0m");
    assert!(curly.contains("\x1b[4m\x1b[4:3m\x1b[58:5:1mx"), "{curly:?}");
    let double = frame(&mut model, "\r\x1b[4:2;58:5:1mx\x1b[0m");
    assert!(double.contains("\x1b[4:2m\x1b[58:5:1mx"), "the kind alone changed: {double:?}");
    let link =
        frame(&mut model, "\r\x1b[0m\x1b]8;id=a;https://example.org/\x07❤\u{fe0f}z\x1b]8;;\x07");
    let want = "\x1b]8;id=a;https://example.org/\x1b\\❤\u{fe0f}";
    assert!(link.contains(want) && link.contains("\x1b]8;;\x1b\\"), "{link:?}");
    assert_eq!(link.matches("https://").count(), 1, "one link for both cells: {link:?}");
    let gone = frame(&mut model, "\r❤\u{fe0f}z");
    assert!(gone.contains('z') && !gone.contains("]8;"), "the link alone went: {gone:?}");
    for scheme in ["javascript:x", "file:///etc/passwd", "https://a@b/", "ssh://h"] {
        let text = format!("\r\x1b]8;;{scheme}\x07{}\x1b]8;;\x07", scheme.len());
        let dangerous = frame(&mut model, Box::leak(text.into_boxed_str()));
        assert!(!dangerous.contains("]8;"), "{dangerous:?}");
    }
}

#[test]
fn a_dialog_over_a_link_has_none() {
    let mut model = model((80, 24));
    let mut screen = Screen::new(Depth::TrueColour, true);
    let mut out = Vec::new();
    say(&mut model, "\x1b]8;;https://example.org/\x07");
    for _ in 0..200 {
        say(&mut model, "link ");
    }
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    let cells = screen.shown_inks.len();
    app::update(&mut model, Message::Key(KeyCode::F(1).into()));
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    assert!(screen.shown_inks.len() < cells, "{cells}");
}

#[test]
fn a_new_size_is_drawn_from_scratch() {
    let mut model = model((80, 24));
    let mut screen = Screen::new(Depth::None, true);
    let mut out = Vec::new();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    app::update(&mut model, Message::Resize { cols: 120, rows: 40 });
    out.clear();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    let mut outer = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
    outer.process(&out);
    assert!(outer.screen().rows(0, 120).any(|row| row.contains("prefill")));
    let text = String::from_utf8_lossy(&out);
    assert!(!text.contains("38;2;"), "no colours were asked for");
}

#[test]
fn a_size_that_goes_and_comes_back_is_drawn_anew() {
    let model = model((80, 24));
    let mut screen = Screen::new(Depth::None, true);
    let mut out = Vec::new();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    let mut outer = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
    outer.process(&out);
    // Small for a moment: what does not fit is cut off and does not come back by itself.
    outer.set_size(4.try_into().unwrap(), 20.try_into().unwrap());
    outer.set_size(24.try_into().unwrap(), 80.try_into().unwrap());
    screen.forget();
    out.clear();
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    outer.process(&out);
    let rows: Vec<_> = outer.screen().rows(0, 80).collect();
    assert!(rows[23].contains("F1 help") && rows[23].contains("F10 quit"), "{}", rows[23]);
}

/// Pieces that move, wrap, widen, scroll, erase, colour and switch.
const PIECES: [&str; 40] = [
    "plain text",
    "a line\r\n",
    "\r",
    "\n",
    "\t",
    "家族",
    // No joined family and no flag: the independent terminal spreads them over their neighbours.
    "😀",
    "❤\u{fe0f}",
    "e\u{301}",
    "漢",
    "\x1b[31;1m",
    "\x1b[4:3;58:5:2m",
    "\x1b[0m",
    "\x1b[7m",
    "\x1b]8;;https://example.org/\x07",
    "\x1b]8;;\x07",
    "\x1b[H",
    "\x1b[5;70H",
    "\x1b[20;2H",
    "\x1b[A",
    "\x1b[3B",
    "\x1b[9C",
    "\x1b[4D",
    "\x1b[2K",
    "\x1b[J",
    "\x1b[2J",
    "\x1b[3;9r",
    "\x1b[r",
    "\x1b[2S",
    "\x1b[T",
    "\x1b[3L",
    "\x1b[2M",
    "\x1b[5P",
    "\x1b[3@",
    "\x1b[4X",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?5h",
    "\x1b[?5l",
    "\x1b[!p\x1bM\x1b7\x1b8\x1b[?6h\x1b[4h\x1b[4l\x1b[?6l",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_rows_alone_give_the_same_frame(
        steps in prop::collection::vec(
            prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..6), 1..30
        ),
    ) {
        let mut model = model((80, 24));
        let mut screen = Screen::new(Depth::TrueColour, true);
        let mut outer = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        let mut out = Vec::new();
        say(&mut model, "start");
        screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
        model.terminal.take_damage();
        for step in steps {
            for piece in step {
                say(&mut model, piece);
            }
            let damage = model.terminal.take_damage();
            prop_assert!(app::pane_is_bare(&model));
            screen.draw(&model, &damage, true, &mut out).unwrap();
            let mut whole = Screen::new(Depth::TrueColour, true);
            let mut anew = Vec::new();
            whole.draw(&model, &Damage::Full, false, &mut anew).unwrap();
            prop_assert_eq!(&screen.shown, &whole.shown);
            prop_assert_eq!(&screen.shown_inks, &whole.shown_inks);
        }
        outer.process(&out);
        let mut anew = Screen::new(Depth::TrueColour, true);
        out.clear();
        anew.draw(&model, &Damage::Full, false, &mut out).unwrap();
        let mut fresh = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        fresh.process(&out);
        // Blanks that were written and blanks that never were look alike.
        let rows = |parser: &vt100::Parser| -> Vec<String> {
            parser.screen().rows(0, 80).map(|row| row.trim_end().to_owned()).collect()
        };
        prop_assert_eq!(rows(&outer), rows(&fresh));
        prop_assert_eq!(outer.screen().cursor_position(), fresh.screen().cursor_position());
    }
}
