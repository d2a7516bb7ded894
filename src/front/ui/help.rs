//! F1: the keys, and each pane in words: what it is, what is good, what to do.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::front::{
    app::{AlertKey, Model, PaneId, alert, centred},
    input::{Action, Binding, Keymap},
    theme::{Role, Theme},
};

use super::{
    cache::{cared, place},
    explain::words,
    manual::sentence,
    text::{Pen, boxed, lines},
};

/// Columns of the box at most: sentences longer than this are hard to read.
const COLS: u16 = 78;
/// Columns of the names at the left.
const NAME_COLS: usize = 14;

/// What the signs mean.
const SIGNS: &str =
    "~ is estimated, – is not known. A pane's title says where its figures come from.";

/// Whether an action belongs to what is done with what stands above the pane: one entry for all.
const fn looks_back(action: Action) -> bool {
    match action {
        Action::Search | Action::Read | Action::Save | Action::TurnBack | Action::TurnOn => true,
        Action::Help
        | Action::Compact
        | Action::Panes
        | Action::Theme
        | Action::Fresh
        | Action::Handover
        | Action::Compose
        | Action::Log
        | Action::Quit
        | Action::Dismiss
        | Action::Arrange
        | Action::Timeline
        | Action::Map
        | Action::Palette
        | Action::Verbatim => false,
    }
}

/// `PageUp; Ctrl-] / search, Ctrl-] r read, …`, with the user's own keys.
fn look_back(model: &Model) -> String {
    let named = |bound: &Binding| {
        let key = model.keymap.names(bound.action).into_iter().next()?;
        Some(format!("{key} {}", bound.label))
    };
    let bindings = Keymap::BINDINGS.iter().filter(|bound| looks_back(bound.action));
    let keys: Vec<_> = bindings.filter_map(named).collect();
    format!("PageUp; {}", keys.join(", "))
}

/// What the mouse does.
const MOUSE: &str = "the bottom line and the alert above it can be clicked; dragging selects and copies; a pane: \
     click focuses, again zooms, right button explains, wheel sizes, its name moves it, its line \
     and the column's edge can be dragged";

/// How to get from practice to work.
const PRACTICE: &str = "This session runs on the practice server: it plays a script, there is no \
    model behind it. For a real one, start a model server on this machine, then lcc again; it \
    finds the server by itself. For example:";
/// What can be started, each found by lcc on its usual port.
const COMMANDS: [&str; 2] = [
    "llama-server -m MODEL.gguf --jinja -c 32768 --port 8080",
    "OLLAMA_CONTEXT_LENGTH=32768 ollama serve",
];

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
    // A break of the cache is told in full below.
    let shown = alert(model).filter(|shown| !matches!(shown.key, AlertKey::Break(_)));
    if let Some(shown) = shown {
        out.extend(pen.sentence(Role::Warn, &shown.text));
        out.push(Line::default());
    }
    let cache = model.snapshot.as_ref().map(|s| &s.cache);
    if let Some((breaks, found)) = cache.and_then(|c| c.last_break.as_ref().map(|b| (c.breaks, b)))
    {
        out.extend(pen.sentence(Role::Warn, &place(breaks, found)));
        out.extend(pen.sentence(Role::Text, &format!("Cause: {}.", found.cause)));
        if let Some(fix) = &found.fix {
            out.extend(pen.sentence(Role::Accent, &format!("Fix: {fix}.")));
        }
        out.push(Line::default());
    }
    if let Some(cared) = model.snapshot.as_ref().and_then(|s| cared(s)) {
        let text = format!("Kept the prompt's start the same, by rule and requests: {cared}.");
        out.extend(pen.sentence(Role::Text, &text));
        out.push(Line::default());
    }
    let lacks = model.snapshot.as_ref().map(|s| s.sandbox.lacks.as_slice()).unwrap_or_default();
    if !lacks.is_empty() {
        let text = "REDUCED sandbox, weaker than the strict one. It lacks:";
        out.extend(pen.sentence(Role::Warn, text));
        for lack in lacks {
            out.extend(pen.sentence(Role::Text, &format!("· {lack}")));
        }
        out.push(Line::default());
    }
    if model.practice() {
        out.extend(pen.sentence(Role::Warn, PRACTICE));
        for command in COMMANDS {
            out.extend(pen.sentence(Role::Accent, &format!("  {command}")));
        }
        out.push(Line::default());
    }
    let mut said = model.notices.said().rev().peekable();
    if said.peek().is_some() {
        for (n, shown) in said.enumerate() {
            let name = if n == 0 { "notes" } else { "" };
            entry(name, &format!("· {}", shown.notice.text), Role::Title, pen, &mut out);
        }
        out.push(Line::default());
    }
    let leader = model.keymap.leader();
    for bound in Keymap::BINDINGS.iter().filter(|bound| !looks_back(bound.action)) {
        let key = model.keymap.names(bound.action).into_iter().next();
        let key = key.unwrap_or_else(|| "no key".to_owned());
        entry(&key, sentence(bound.action), Role::Key, pen, &mut out);
    }
    entry("look back", &look_back(model), Role::Key, pen, &mut out);
    entry("mouse", MOUSE, Role::Key, pen, &mut out);
    let letter = |bound: &Binding| {
        Some(format!("{} {}", model.keymap.after_leader(bound.action)?, bound.label))
    };
    let letters: Vec<_> = Keymap::BINDINGS.iter().filter_map(letter).collect();
    let leader = format!(
        "{leader}, then a letter, does the same where a key is taken: {}",
        letters.join(", ")
    );
    entry("leader", &leader, Role::Key, pen, &mut out);
    out.push(Line::from(pen.dim("Every other key belongs to Claude Code.")));
    out.push(Line::default());
    for id in PaneId::ALL {
        entry(id.name(), words(id).is, Role::Title, pen, &mut out);
    }
    entry("signs", SIGNS, Role::Title, pen, &mut out);
    if let Some(spoken) = &model.spoken {
        out.push(Line::default());
        for (n, line) in spoken.lines().rev().enumerate() {
            entry(if n == 0 { "said" } else { "" }, line, Role::Title, pen, &mut out);
        }
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
