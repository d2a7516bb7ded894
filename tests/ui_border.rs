//! What Claude Code asks of the world, and the user's answers: clipboard and links.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lcc::{
    domain::{ClipboardPolicy, Moment},
    front::{
        app::{self, Border, Effect, Message, Model, Options, Overlay, Title},
        input::Keymap,
        terminal::LinkWay,
        theme::builtin,
    },
    protocol::{Command, Update},
};

const STORE: &str = "\x1b]52;c;aGVsbG8gd29ybGQ=\x07";

fn model(clipboard: ClipboardPolicy) -> Model {
    let title = Title { project: "demo".to_owned(), practice: true };
    let keymap = Keymap::default();
    let options = Options { title, keymap, themes: builtin(), theme: 0, scrollback: 10 };
    let mut model = Model::new(options, (100, 30));
    model.border = Border::new(clipboard, "/srv/project".into());
    app::update(&mut model, Message::Tick(Moment::from_millis(5_000)));
    model
}

fn acts(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().filter(|effect| *effect != Effect::Redraw).collect()
}

fn say(model: &mut Model, text: &str) -> Vec<Effect> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    acts(app::update(model, Message::Update(Update::Output(bytes))))
}

fn key(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    acts(app::update(model, Message::Key(code.into())))
}

fn wait(model: &mut Model, ms: u64) {
    let now = Moment(model.now.0 + ms * 1_000);
    app::update(model, Message::Tick(now));
}

fn click(model: &mut Model, column: u16, row: u16, modifiers: KeyModifiers) -> Vec<Effect> {
    let left = MouseButton::Left;
    let mut effects = Vec::new();
    for kind in [MouseEventKind::Down(left), MouseEventKind::Up(left)] {
        let event = MouseEvent { kind, column, row, modifiers };
        effects.extend(app::update(model, Message::Mouse(event)));
    }
    acts(effects)
}

fn asked(model: &Model) -> Option<String> {
    model.overlays.iter().find_map(|overlay| match overlay {
        Overlay::Dialog(dialog) => Some(dialog.body(model).join(" ")),
        _ => None,
    })
}

#[test]
fn the_clipboard_is_written_as_the_setting_says() {
    let text = || Effect::Clipboard("hello world".to_owned());
    let mut allow = model(ClipboardPolicy::Allow);
    assert_eq!(say(&mut allow, STORE), [text()]);
    let mut never = model(ClipboardPolicy::Never);
    assert_eq!(say(&mut never, STORE), []);
    assert_eq!(asked(&never), None);

    let mut ask = model(ClipboardPolicy::Ask);
    assert_eq!(say(&mut ask, STORE), []);
    let question = asked(&ask).unwrap();
    assert!(question.contains("11 characters") && question.contains("hello world"), "{question}");
    wait(&mut ask, 1_000);
    assert_eq!(key(&mut ask, KeyCode::Char('y')), [text()]);
    // Asked again the next time; "always" ends the questions.
    wait(&mut ask, 2_000);
    say(&mut ask, STORE);
    wait(&mut ask, 1_000);
    assert_eq!(key(&mut ask, KeyCode::Char('a')), [text()]);
    wait(&mut ask, 2_000);
    assert_eq!(say(&mut ask, STORE), [text()]);
}

#[test]
fn enter_and_escape_say_no() {
    for code in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('c')] {
        let mut model = model(ClipboardPolicy::Ask);
        say(&mut model, STORE);
        wait(&mut model, 1_000);
        assert_eq!(key(&mut model, code), [], "{code:?}");
        assert_eq!(asked(&model), None, "{code:?}");
    }
}

#[test]
fn nobody_says_yes_by_typing_on() {
    let mut model = model(ClipboardPolicy::Ask);
    say(&mut model, STORE);
    for letter in "yay".chars() {
        assert_eq!(key(&mut model, KeyCode::Char(letter)), []);
    }
    assert!(asked(&model).is_some(), "the question is still there");
}

#[test]
fn what_is_hidden_in_a_text_is_shown() {
    let mut model = model(ClipboardPolicy::Ask);
    say(&mut model, "\x1b]52;c;bHMKcm0gLXJmIH4KGw==\x07");
    let question = asked(&model).unwrap();
    assert!(question.contains("ls⏎rm -rf ~⏎·"), "{question}");
}

#[test]
fn another_question_is_not_pushed_away() {
    let mut model = model(ClipboardPolicy::Ask);
    say(&mut model, "\x1b]8;;https://example.org/\x07page\x1b]8;;\x07");
    let pane = model.layout().pane;
    click(&mut model, pane.x, pane.y, KeyModifiers::NONE);
    let link = asked(&model).unwrap();
    say(&mut model, STORE);
    assert_eq!(asked(&model).unwrap(), link);
}

#[test]
fn a_click_on_a_link_asks_and_opens() {
    let mut model = model(ClipboardPolicy::Ask);
    say(&mut model, "a \x1b]8;;https://example.org/x?y=z\x07page\x1b]8;;\x07 b");
    let pane = model.layout().pane;
    assert_eq!(click(&mut model, pane.x, pane.y, KeyModifiers::NONE), [], "no link there");
    assert_eq!(asked(&model), None);
    assert_eq!(click(&mut model, pane.x + 2, pane.y, KeyModifiers::NONE), []);
    assert!(asked(&model).unwrap().contains("https://example.org/x?y=z"));
    wait(&mut model, 1_000);
    let open = Effect::Open(LinkWay::Web("https://example.org/x?y=z".to_owned()));
    assert_eq!(key(&mut model, KeyCode::Char('o')), [open]);
}

#[test]
fn with_ctrl_a_link_is_lccs_although_claude_code_has_the_mouse() {
    let mut model = model(ClipboardPolicy::Ask);
    say(&mut model, "\x1b[?1000h\x1b[?1006h\x1b]8;;file:///srv/project/a.md\x07page");
    let pane = model.layout().pane;
    let plain = click(&mut model, pane.x, pane.y, KeyModifiers::NONE);
    assert!(plain.iter().all(|e| matches!(e, Effect::Send(Command::Input(_)))), "{plain:?}");
    assert_eq!(asked(&model), None);
    click(&mut model, pane.x, pane.y, KeyModifiers::CONTROL);
    assert!(asked(&model).unwrap().contains("/srv/project/a.md"));
}

#[test]
fn dangerous_links_are_refused_in_words() {
    for address in ["javascript:alert(1)", "file:///etc/passwd", "ssh://host", "https://a@b/"] {
        let mut model = model(ClipboardPolicy::Ask);
        say(&mut model, &format!("\x1b]8;;{address}\x07page\x1b]8;;\x07"));
        let pane = model.layout().pane;
        assert_eq!(click(&mut model, pane.x, pane.y, KeyModifiers::NONE), []);
        assert_eq!(asked(&model), None, "{address}");
        let said: Vec<_> = model.notices.said().map(|s| s.notice.text.clone()).collect();
        assert!(said.iter().any(|text| text.contains("link not opened")), "{said:?}");
    }
}
