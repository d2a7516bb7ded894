//! Every pane large, every overlay and the screen reader's screens, as text, at four sizes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_story;
mod ui_support;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lcc::front::{
    app::{self, Message, Model, Overlay, PaneId, Zoom},
    theme::{Depth, Role, builtin, downgrade_buffer},
};
use ratatui::style::{Color, Modifier};
use ui_story::story;
use ui_support::{SIZES, frame, press, running, text};

fn leader(model: &mut Model, then: KeyCode) {
    app::update(model, Message::Key(KeyEvent::new(KeyCode::Char(']'), KeyModifiers::CONTROL)));
    let again = then == KeyCode::Char(']');
    let with = if again { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
    app::update(model, Message::Key(KeyEvent::new(then, with)));
}

fn typed(model: &mut Model, text: &str) {
    for c in text.chars() {
        press(model, KeyCode::Char(c));
    }
}

/// A screen at a size.
type Build = Box<dyn Fn((u16, u16)) -> Model>;

/// What is pressed on the way there.
type Keys = fn(&mut Model);

/// Every screen of this file, by name.
fn screens() -> Vec<(String, Build)> {
    let mut all: Vec<(String, Build)> = Vec::new();
    for id in PaneId::ALL {
        all.push((
            format!("zoom_{}", id.name()),
            Box::new(move |size| {
                let mut model = running(size, story());
                model.overlays.push(Overlay::Zoom(Zoom::new(id)));
                model
            }),
        ));
        all.push((
            format!("explain_{}", id.name()),
            Box::new(move |size| {
                let mut model = running(size, story());
                model.overlays.push(Overlay::Explain(id));
                model
            }),
        ));
    }
    let keyed: [(&str, Keys); 9] = [
        ("story", |_| {}),
        ("map_of_results", |m| {
            leader(m, KeyCode::Char('m'));
            press(m, KeyCode::End);
            press(m, KeyCode::Enter);
            press(m, KeyCode::Enter);
        }),
        ("timeline_second_turn", |m| {
            leader(m, KeyCode::Char('g'));
            press(m, KeyCode::Down);
            press(m, KeyCode::Down);
        }),
        ("commands", |m| leader(m, KeyCode::Char(']'))),
        ("commands_found", |m| {
            m.overlays.push(Overlay::Palette(app::CommandList::default()));
            typed(m, "th hi");
        }),
        ("arrange", |m| {
            leader(m, KeyCode::Char('w'));
            press(m, KeyCode::Down);
            press(m, KeyCode::Char('K'));
            press(m, KeyCode::Char('+'));
        }),
        ("arrange_hidden", |m| {
            leader(m, KeyCode::Char('w'));
            press(m, KeyCode::Char('d'));
            press(m, KeyCode::Char('d'));
        }),
        ("screen_reader", Model::speak),
        ("screen_reader_map", |m| {
            m.speak();
            leader(m, KeyCode::Char('m'));
        }),
    ];
    for (name, build) in keyed {
        all.push((
            name.to_owned(),
            Box::new(move |size| {
                let mut model = running(size, story());
                build(&mut model);
                // The reader's lines come with the next message.
                app::update(&mut model, Message::Focus(true));
                model
            }),
        ));
    }
    all
}

#[test]
fn every_pane_and_overlay() {
    for (name, build) in screens() {
        let mut shown = String::new();
        for size in SIZES {
            shown.push_str(&format!("{}x{}\n", size.0, size.1));
            shown.push_str(&text(&frame(&build(size))));
            shown.push('\n');
        }
        insta::assert_snapshot!(name, shown);
    }
}

/// A theme changes no letter, and every cell has only colours that its class of terminal has.
#[test]
fn every_theme_class_shows_the_same_in_its_own_colours() {
    for (name, build) in screens() {
        for size in SIZES {
            let model = build(size);
            let plain = text(&frame(&model));
            // The letters are the same at every size; one size shows that for every theme.
            let themes = if size == (80, 24) { builtin().len() } else { 1 };
            for theme in builtin().into_iter().take(themes) {
                let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(
                    0, 0, size.0, size.1,
                ));
                lcc::front::ui::draw(&model, &theme, &mut buffer);
                let place = format!("{name} {size:?} {}", theme.name());
                assert_eq!(text(&buffer), plain, "{place}");
                for depth in [Depth::TrueColour, Depth::Indexed256, Depth::Ansi16, Depth::None] {
                    let mut seen = buffer.clone();
                    downgrade_buffer(&mut seen, depth);
                    for cell in &seen.content {
                        for colour in [cell.fg, cell.bg] {
                            assert!(fits(colour, depth), "{place} {depth:?}: {colour:?}");
                        }
                    }
                }
            }
        }
    }
}

fn fits(colour: Color, depth: Depth) -> bool {
    let is_named = !matches!(colour, Color::Rgb(..) | Color::Indexed(_));
    match depth {
        Depth::TrueColour => true,
        Depth::Indexed256 => !matches!(colour, Color::Rgb(..)),
        Depth::Ansi16 => is_named,
        Depth::None => colour == Color::Reset,
    }
}

/// What is marked can be told without any colour: it is reversed, or has a sign.
#[test]
fn without_colour_the_mark_is_still_to_be_seen() {
    for (keys, sign) in [("m", "▸"), ("]", "▸"), ("w", "▸")] {
        let mut model = running((120, 40), story());
        leader(&mut model, KeyCode::Char(keys.chars().next().unwrap()));
        let mut buffer = frame(&model);
        downgrade_buffer(&mut buffer, Depth::None);
        assert!(text(&buffer).contains(sign), "{keys}");
    }
    let theme = builtin().remove(0);
    let mut model = running((120, 40), story());
    leader(&mut model, KeyCode::Char('g'));
    let mut buffer = frame(&model);
    assert!(theme.style(Role::Selected).bg.is_some());
    downgrade_buffer(&mut buffer, Depth::None);
    assert!(buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

/// No line, no block, no mark without a word: whatever is open, at every size.
#[test]
fn a_screen_reader_meets_words_alone() {
    for (name, build) in screens() {
        for size in SIZES {
            let mut model = build(size);
            model.speak();
            app::update(&mut model, Message::Focus(true));
            let shown = text(&frame(&model));
            let drawn = |c: char| ('\u{2500}'..='\u{259f}').contains(&c) || "▲▼■◆▸".contains(c);
            let found: String = shown.chars().filter(|c| drawn(*c)).collect();
            assert!(found.is_empty(), "{name} {size:?}: {found}\n{shown}");
        }
    }
}
