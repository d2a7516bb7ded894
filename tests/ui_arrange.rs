//! Panes moved, sized, hidden, zoomed and explained by keys and mouse; what is kept of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ui_story;
mod ui_support;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lcc::{
    front::{
        app::{self, Arrangement, Depth, Effect, Message, Model, Overlay, PaneId, Run},
        input::{Action, KeyLine, Leader, configured},
        theme, ui,
    },
    protocol::{Command, PromptSection, Update},
};
use ratatui::layout::Rect;
use ui_story::story;
use ui_support::{frame, press, running, say, text};

const SIZE: (u16, u16) = (140, 60);

fn ctrl(model: &mut Model, c: char) -> Vec<Effect> {
    app::update(model, Message::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)))
}

fn leader(model: &mut Model, letter: char) -> Vec<Effect> {
    ctrl(model, ']');
    press(model, KeyCode::Char(letter))
}

fn mouse(model: &mut Model, kind: MouseEventKind, column: u16, row: u16) -> Vec<Effect> {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    app::update(model, Message::Mouse(event))
}

fn click(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    mouse(model, MouseEventKind::Down(MouseButton::Left), column, row);
    mouse(model, MouseEventKind::Up(MouseButton::Left), column, row)
}

fn drag(model: &mut Model, from: (u16, u16), to: (u16, u16)) -> Vec<Effect> {
    mouse(model, MouseEventKind::Down(MouseButton::Left), from.0, from.1);
    let effects = mouse(model, MouseEventKind::Drag(MouseButton::Left), to.0, to.1);
    mouse(model, MouseEventKind::Up(MouseButton::Left), to.0, to.1);
    effects
}

fn place(model: &Model, id: PaneId) -> Rect {
    ui::pane_places(model).into_iter().find(|(own, _)| *own == id).unwrap().1
}

fn names(model: &Model) -> Vec<&'static str> {
    model.panes.shown().map(PaneId::name).collect()
}

fn sent(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(command) => Some(command),
            _ => None,
        })
        .collect()
}

#[test]
fn keys_move_size_and_hide_and_nothing_of_it_reaches_claude_code() {
    let mut model = running(SIZE, story());
    let mut all = leader(&mut model, 'w');
    assert_eq!(model.focus, Some(PaneId::Prefill));
    for key in ['j', 'J', '+', '+', 'd'] {
        all.extend(press(&mut model, KeyCode::Char(key)));
    }
    assert_eq!(names(&model)[..3], ["prefill", "cache", "thinking"], "the window is hidden");
    assert_eq!(model.focus, Some(PaneId::Prefill), "the focus does not go with it");
    assert!(sent(&all).is_empty(), "{all:?}");
    let kept = all.iter().rev().find_map(|effect| match effect {
        Effect::Keep(text) => Arrangement::read(text),
        _ => None,
    });
    assert_eq!(kept.as_ref(), Some(&model.panes), "it is there the next time");
    press(&mut model, KeyCode::Char('a'));
    assert_eq!(names(&model)[..3], ["prefill", "cache", "window"]);
    press(&mut model, KeyCode::Char('0'));
    assert_eq!(model.panes, Arrangement::default());
    press(&mut model, KeyCode::Esc);
    assert_eq!(sent(&press(&mut model, KeyCode::Char('x'))).len(), 1, "Claude Code has the keys");
}

#[test]
fn a_wider_column_is_told_to_claude_code() {
    let mut model = running(SIZE, story());
    leader(&mut model, 'w');
    let before = model.pane_size();
    let effects = press(&mut model, KeyCode::Left);
    let after = model.pane_size();
    assert_eq!(after.cols, before.cols - 2);
    let told = Command::Resize { cols: after.cols, rows: after.rows };
    assert_eq!(sent(&effects), [&told]);
    for _ in 0..200 {
        press(&mut model, KeyCode::Left);
    }
    assert_eq!(model.layout().frame.width, 60, "Claude Code keeps what it needs");
}

#[test]
fn the_mouse_moves_by_the_name_sizes_by_the_line_and_widens_by_the_edge() {
    let mut model = running(SIZE, story());
    let (from, to) = (place(&model, PaneId::Prefill), place(&model, PaneId::Cache));
    drag(&mut model, (from.x + 3, from.y), (to.x + 3, to.y + 1));
    assert_eq!(names(&model)[..3], ["window", "cache", "prefill"]);

    let lines = place(&model, PaneId::Cache).height;
    let below = place(&model, PaneId::Prefill);
    drag(&mut model, (below.x + 20, below.y), (below.x + 20, below.y + 3));
    assert_eq!(place(&model, PaneId::Cache).height, lines + 3);

    let column = model.layout().panes;
    drag(&mut model, (column.x, column.y + 4), (column.x - 10, column.y + 4));
    assert_eq!(model.layout().panes.width, column.width + 10);
}

#[test]
fn a_click_gives_the_keys_one_more_zooms_and_the_right_button_explains() {
    let mut model = running(SIZE, story());
    let at = place(&model, PaneId::Window);
    click(&mut model, at.x + 4, at.y + 2);
    assert_eq!(model.focus, Some(PaneId::Window));
    click(&mut model, at.x + 4, at.y + 2);
    assert!(matches!(model.overlays.last(), Some(Overlay::Zoom(z)) if z.pane == PaneId::Window));
    press(&mut model, KeyCode::Esc);
    mouse(&mut model, MouseEventKind::Down(MouseButton::Right), at.x + 4, at.y + 2);
    assert_eq!(model.overlays.last(), Some(&Overlay::Explain(PaneId::Window)));
    press(&mut model, KeyCode::Esc);
    let claude = model.layout().pane;
    click(&mut model, claude.x + 2, claude.y + 2);
    assert_eq!(model.focus, None, "a click on Claude Code gives it the keys");
}

#[test]
fn f1_explains_the_pane_that_has_the_keys_and_every_pane_has_its_words() {
    for id in PaneId::ALL {
        let mut model = running(SIZE, story());
        leader(&mut model, 'w');
        model.focus = Some(id);
        press(&mut model, KeyCode::F(1));
        let shown = text(&frame(&model));
        for words in ["Now: ", "What is this?", "What is good?", "What to do?"] {
            assert!(shown.contains(words), "{}: {words}", id.name());
        }
        press(&mut model, KeyCode::F(1));
        assert!(model.overlays.is_empty());
    }
    let mut model = running(SIZE, story());
    press(&mut model, KeyCode::F(1));
    assert!(matches!(model.overlays.last(), Some(Overlay::Help(_))));
}

#[test]
fn a_click_on_a_turn_tells_it_and_a_click_in_the_map_opens_it() {
    let mut model = running(SIZE, story());
    leader(&mut model, 'g');
    let frame_area = model.layout().frame;
    click(&mut model, frame_area.x + 10, frame_area.y + 1 + 2 + 4);
    assert!(text(&frame(&model)).contains("turn 4"), "the fifth row is turn 4");
    assert!(text(&frame(&model)).contains("title request took the slot"));
    press(&mut model, KeyCode::Esc);
    leader(&mut model, 'm');
    let row = frame_area.y + 1 + 2 + 7;
    click(&mut model, frame_area.x + 10, row);
    click(&mut model, frame_area.x + 10, row);
    let depth = Depth::Tools(PromptSection::Results);
    assert!(matches!(model.overlays.last(), Some(Overlay::Zoom(z)) if z.depth == depth));
}

#[test]
fn a_command_is_found_by_letters_and_runs() {
    let mut model = running(SIZE, story());
    ctrl(&mut model, ']');
    ctrl(&mut model, ']');
    for c in "hcl".chars() {
        press(&mut model, KeyCode::Char(c));
    }
    let found = app::found(&model, "hcl");
    assert!(matches!(found[0].run, Run::Theme(_)), "{found:?}");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.theme().name(), "high-contrast-light");
    assert!(model.overlays.is_empty());
    // Every command there is can be run without harm to the picture.
    for at in 0..app::found(&model, "").len() {
        let mut model = running(SIZE, story());
        ctrl(&mut model, ']');
        ctrl(&mut model, ']');
        for _ in 0..at {
            press(&mut model, KeyCode::Down);
        }
        press(&mut model, KeyCode::Enter);
        frame(&model);
    }
}

#[test]
fn every_action_is_in_the_list_of_commands_with_its_keys() {
    let model = running(SIZE, story());
    let all = app::found(&model, "");
    for bound in lcc::front::input::Keymap::BINDINGS {
        if bound.action == Action::Palette {
            continue;
        }
        let row = all.iter().find(|found| found.run == Run::Action(bound.action)).unwrap();
        if let Some(function) = bound.function {
            assert!(row.keys.contains(&format!("F{function}")), "{row:?}");
        }
    }
}

#[test]
fn the_bottom_line_and_the_help_show_the_users_own_keys() {
    let line = |name: &str, key: &str| KeyLine {
        name: name.to_owned(),
        keys: vec![key.to_owned()],
        line: 1,
    };
    let lines = [line("compact", "f12"), line("theme", "none"), line("log", "leader o")];
    let (keymap, _) = configured(Leader::default(), &lines).unwrap();
    let mut model = running(SIZE, story());
    model.keymap = keymap;
    let shown = text(&frame(&model));
    let bar = shown.lines().last().unwrap();
    assert!(bar.contains("F12 compact") && bar.contains("F1 help"), "{bar}");
    assert!(!bar.contains("theme") && !bar.contains("F2"), "{bar}");
    press(&mut model, KeyCode::F(1));
    let help = text(&frame(&model));
    assert!(help.contains("F12 ") && help.contains("Ctrl-] o"), "{help}");
}

#[test]
fn a_theme_that_changes_is_worn_at_once_and_a_broken_one_is_told() {
    let mut model = running(SIZE, story());
    let mine = include_str!("../themes/dark.toml").replace("#d0d4dc", "#ffffff");
    let (themes, wrong) = theme::load(&[("dark.toml".to_owned(), mine)]);
    assert!(wrong.is_empty());
    app::update(&mut model, Message::Themes { themes, wrong: Vec::new() });
    let white = ratatui::style::Color::Rgb(255, 255, 255);
    assert_eq!(model.theme().style(theme::Role::Text).fg, Some(white));
    let wrong = vec!["theme not taken: mine.toml:2: colour: not known".to_owned()];
    app::update(&mut model, Message::Themes { themes: Vec::new(), wrong });
    assert_eq!(model.theme().name(), "dark", "the old one stays");
    assert!(text(&frame(&model)).contains("theme not taken"));
}

#[test]
fn a_screen_reader_hears_each_change_once() {
    let mut model = running((80, 24), ui_support::idle());
    model.speak();
    let mut steps = vec![ui_support::prefill()];
    let mut half = ui_support::prefill();
    half.prefill.done = Some(3_300);
    steps.push(half);
    steps.push(ui_support::generating());
    steps.push(ui_support::broken());
    for snapshot in steps {
        for _ in 0..3 {
            say(&mut model, Update::Snapshot(Box::new(snapshot.clone())));
        }
    }
    let said: Vec<_> = model.spoken.as_ref().unwrap().lines().map(str::to_owned).collect();
    assert_eq!(
        said,
        [
            "The model reads the prompt, 4,268 tokens.",
            "50 percent read, the answer in about 7.8 s.",
            "75 percent read, the answer in about 7.8 s.",
            "The model writes.",
            "Ready. The turn took 1m52s. The window is 45 percent full, about 9 turns left.",
            "The cache broke: 24,100 tokens read again. a title request took the slot. \
             Fix: side_requests = \"auto\".",
        ]
    );
    let before = model.pane_size();
    assert_eq!((before.cols, before.rows), (80, 21), "all columns are Claude Code's");
}
