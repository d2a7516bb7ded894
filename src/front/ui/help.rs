//! F1: the keys, and each pane in words: what it is, what is good, what to do.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::front::{
    app::{Model, centred},
    input::Keymap,
    theme::{Role, Theme},
};

use super::text::{Pen, boxed, lines};

/// Columns of the box at most: sentences longer than this are hard to read.
const COLS: u16 = 78;
/// Columns of the names at the left.
const NAME_COLS: usize = 10;

/// Each pane in words.
const PANES: [(&str, &str); 9] = [
    (
        "prefill",
        "How much of the prompt the server has read; the answer starts when all of it is. ▓ came \
         from the cache, █ was read now. Most of the waiting is here.",
    ),
    (
        "window",
        "What the next request starts from. ▓ system and tools, which stay; █ the conversation, \
         which F2 shrinks and F5 empties. Amber: the largest turn seen would not fit. Red: the \
         next request will not.",
    ),
    (
        "cache",
        "The share of the last prompt that did not have to be read again. Near 100 % is right; \
         after a break the pane says at which token, in which part, why, and what helps.",
    ),
    (
        "thinking",
        "Tokens the model thought in this turn. Switched off, it must stay 0: a leaked turn \
         means that the server thinks all the same.",
    ),
    ("time", "Where the session's time went: reading prompts, writing answers, running tools."),
    ("noise", "Requests without effect on the work that lcc answered itself, by path."),
    ("server", "The model server, its memory, and the machine's. Over 90 % the machine swaps."),
    (
        "sandbox",
        "What holds Claude Code in, and how many of the escapes tried at the start were blocked. \
         Anything but all of them is red.",
    ),
    ("signs", "~ is estimated, – is not known. A pane's title says where its figures come from."),
];

/// The keys in words.
const KEYS: [(&str, &str); 8] = [
    ("F1", "this help; Esc closes it, arrows scroll"),
    ("F2", "compact the conversation; while a turn runs it asks whether to wait"),
    ("F3", "panes: show or hide them"),
    ("F4", "next theme"),
    ("F5", "restart Claude Code with an empty conversation"),
    (
        "F8",
        "log: what passed the proxy and what the server wrote; / searches, n and N go on, p \
         pauses, Esc closes",
    ),
    ("F10", "quit; twice quits at once"),
    ("mouse", "the bottom line and the alert above it can be clicked; dragging selects and copies"),
];

/// How to get from practice to work.
const PRACTICE: &str = "This session runs on the practice server: it plays a script, there is no \
    model behind it. For a real one, start llama.cpp's server, then lcc again; it finds the \
    server by itself:";
const COMMAND: &str = "llama-server -m MODEL.gguf --jinja -c 32768 --port 8080";

pub(super) fn draw(model: &Model, scroll: u16, theme: &Theme, screen: Rect, buf: &mut Buffer) {
    let height = screen.height.saturating_sub(2);
    let width = COLS.min(screen.width.saturating_sub(2));
    let content = content(model, theme, usize::from(width.saturating_sub(4)));
    let wanted = u16::try_from(content.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = centred(screen, width, wanted.min(height));
    let hidden = content.len().saturating_sub(usize::from(area.height.saturating_sub(2)));
    let from = usize::from(scroll).min(hidden);
    let title = if hidden == 0 {
        "help".to_owned()
    } else {
        format!("help · {} more lines ↓", hidden - from)
    };
    let inner = boxed(area, &title, Role::Accent, theme, buf);
    lines(inner, &content[from..], buf);
}

fn content(model: &Model, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let pen = Pen { theme, width };
    let mut out = Vec::new();
    if model.practice() {
        out.extend(pen.sentence(Role::Warn, PRACTICE));
        out.extend(pen.sentence(Role::Text, &format!("  {COMMAND}")));
        out.push(Line::default());
    }
    for (key, text) in KEYS {
        entry(key, text, Role::Key, pen, &mut out);
    }
    let letters: Vec<_> =
        Keymap::BINDINGS.iter().map(|bound| format!("{} {}", bound.letter, bound.label)).collect();
    let leader = format!(
        "{} and a letter do the same where a key is taken: {}",
        model.keymap.leader(),
        letters.join(", ")
    );
    entry("leader", &leader, Role::Key, pen, &mut out);
    out.push(Line::from(pen.dim("Every other key belongs to Claude Code.")));
    out.push(Line::default());
    for (name, text) in PANES {
        entry(name, text, Role::Title, pen, &mut out);
    }
    out
}

/// A name at the left, its sentences beside it.
fn entry(name: &str, text: &str, role: Role, pen: Pen<'_>, out: &mut Vec<Line<'static>>) {
    let beside = Pen { width: pen.width.saturating_sub(NAME_COLS), ..pen };
    for (n, line) in beside.sentence(Role::Text, text).into_iter().enumerate() {
        let name = if n == 0 { name } else { "" };
        let mut spans = vec![pen.span(role, name.to_owned())];
        spans.push(pen.text(" ".repeat(NAME_COLS.saturating_sub(name.len()))));
        spans.extend(line.spans);
        out.push(Line::from(spans));
    }
}
