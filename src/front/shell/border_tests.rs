//! Walks the policy's table: the bytes of every row go through the whole front, and what comes
//! out on either side is compared with the rule.

use bytes::Bytes;

use super::{outer, screen::Screen};
use crate::{
    front::{
        app::{self, Effect, Message, Model, Options, Title},
        input::Keymap,
        terminal::{
            Damage,
            policy::{Entry, Rule, TABLE},
        },
        theme::{Depth, builtin},
    },
    protocol::{Command, Update},
};

fn model() -> Model {
    let title = Title { project: "demo".to_owned(), practice: true };
    let keymap = Keymap::default();
    let options = Options { title, keymap, themes: builtin(), theme: 0, scrollback: 10 };
    Model::new(options, (100, 30))
}

/// What one stretch of output leads to.
#[derive(Debug, Default)]
struct Came {
    /// Bytes for the child.
    answers: Vec<u8>,
    /// Effects beyond answers and frames.
    effects: Vec<Effect>,
    /// Bytes for the outer terminal, the frame's and the effects'.
    outer: String,
    /// Whether a question is open.
    asked: bool,
}

fn fed(text: &str) -> Came {
    let mut model = model();
    let mut screen = Screen::new(Depth::TrueColour, true);
    let mut out = Vec::new();
    let say = |model: &mut Model, text: &str| {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        app::update(model, Message::Update(Update::Output(bytes)))
    };
    say(&mut model, "before");
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    out.clear();
    let mut came = Came::default();
    for effect in say(&mut model, text).into_iter().chain(say(&mut model, "after")) {
        match effect {
            Effect::Send(Command::Input(bytes)) => came.answers.extend_from_slice(&bytes),
            Effect::Redraw => {}
            other => {
                match &other {
                    Effect::SetTitle(title) => outer::set_title(title, &mut out),
                    Effect::Notify(text) => outer::notify(text, &mut out),
                    Effect::Clipboard(text) => outer::set_clipboard(text, &mut out),
                    _ => {}
                }
                came.effects.push(other);
            }
        }
    }
    came.asked = !model.overlays.is_empty();
    let mut shown = String::new();
    for y in 0..model.terminal.size().rows {
        for x in 0..model.terminal.size().cols {
            let mut cell = ratatui::buffer::Cell::EMPTY;
            model.terminal.draw_cell(x, y, &mut cell);
            shown.push_str(cell.symbol());
        }
    }
    let shown = shown.split_whitespace().collect::<String>();
    let allowed = ["beforeafter", "beforelinkafter", "after"];
    let start: String = text.chars().take(80).collect();
    assert!(allowed.contains(&shown.as_str()), "{start:?} is shown as {shown:.80}");
    screen.draw(&model, &Damage::Full, false, &mut out).unwrap();
    came.outer = String::from_utf8(out).unwrap();
    came
}

#[test]
fn every_row_of_the_policy_does_what_it_says() {
    for Entry { sequence, rule, example, .. } in TABLE {
        if example.is_empty() {
            continue;
        }
        let came = fed(example);
        let controls = came.outer.matches("\x1b]").count();
        let told = format!("{sequence}: {came:?}");
        assert!(!came.outer.contains("\x1bP") && !came.outer.contains("\x1b_"), "{told}");
        match rule {
            Rule::Pass | Rule::Drop => {
                assert!(came.answers.is_empty(), "answered: {told}");
                assert!(came.effects.is_empty() && !came.asked && controls == 0, "{told}");
            }
            Rule::Answer => {
                assert!(!came.answers.is_empty(), "not answered: {told}");
                assert!(came.effects.is_empty() && !came.asked && controls == 0, "{told}");
            }
            Rule::Ask => {
                assert!(came.answers.is_empty() && came.effects.is_empty(), "{told}");
                // A link asks when it is clicked.
                let link = sequence == "OSC 8";
                assert!(came.asked != link && came.outer.contains("\x1b]8;id=") == link, "{told}");
            }
            Rule::Bound => assert!(came.answers.is_empty() && !came.asked, "{told}"),
        }
    }
}

#[test]
fn every_row_may_be_cut_anywhere() {
    for Entry { sequence, example, .. } in TABLE {
        let whole = fed(example);
        for at in (0..example.len()).filter(|at| example.is_char_boundary(*at)) {
            let mut terminal = crate::front::terminal::Terminal::new(
                crate::front::terminal::Size { cols: 100, rows: 28 },
                crate::front::terminal::Options::default(),
            );
            let (start, end) = example.split_at(at);
            let mut events = terminal.feed(start.as_bytes());
            events.extend(terminal.feed(end.as_bytes()));
            let answers: Vec<u8> = events
                .into_iter()
                .filter_map(|event| match event {
                    crate::front::terminal::TerminalEvent::Reply(bytes) => Some(bytes),
                    _ => None,
                })
                .flatten()
                .collect();
            assert_eq!(
                String::from_utf8_lossy(&answers).replace("[8;28;", "[8;30;"),
                String::from_utf8_lossy(&whole.answers).replace("[8;28;", "[8;30;"),
                "{sequence} cut at {at}"
            );
        }
    }
}

#[test]
fn a_flood_of_anything_reaches_the_world_a_few_times() {
    for (what, most) in [
        ("\x07", 5),
        ("\x1b]9;note\x07", 3),
        ("\x1b]99;;note\x1b\\", 3),
        ("\x1b]777;notify;a;b\x07", 3),
        // One title at a time: what lies between is nobody's.
        ("\x1b]2;title\x07", 1),
    ] {
        let came = fed(&what.repeat(10_000));
        assert_eq!(came.effects.len(), most, "{what:?}");
    }
}

#[test]
fn bombs_leave_no_memory_and_no_trace() {
    let sixel = format!("\x1bPq{}\x1b\\", "#0;2;0;0;0~-".repeat(400_000));
    let kitty = format!("\x1b_Gf=24,s=9999,v=9999;{}\x1b\\", "AAAA".repeat(1_000_000));
    for bomb in [sixel, kitty] {
        let came = fed(&bomb);
        assert!(came.answers.is_empty() && came.effects.is_empty());
    }
}
