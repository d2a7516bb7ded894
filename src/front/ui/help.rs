//! F1: the keys, and each pane in words: what it is, what is good, what to do.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::front::{
    app::{AlertKey, Model, alert, centred},
    input::{Action, Binding, Keymap},
    theme::{Role, Theme},
};

use super::{
    cache::{cared, place},
    manual::sentence,
    text::{Pen, boxed, lines},
};

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
    (
        "time",
        "Where the session's time went: reading prompts, writing answers, running tools, waiting \
         for you (idle). The shares sum up to 100 %.",
    ),
    ("noise", "Requests without effect on the work that lcc answered itself, by path."),
    ("server", "The model server, its memory, and the machine's. Over 90 % the machine swaps."),
    (
        "sandbox",
        "What holds Claude Code in, and how many of the escapes tried at the start were blocked. \
         Anything but all of them is red. Bytes off this machine are measured, not assumed; what \
         tried to leave is listed with its program. Caps: limits in the configuration.",
    ),
    ("signs", "~ is estimated, – is not known. A pane's title says where its figures come from."),
];

/// What is done with what stands above the pane.
const LOOK_BACK: &str = "PageUp, or the leader and / search, r read and copy, s save, k j turns";

/// What the mouse does.
const MOUSE: &str =
    "the bottom line and the alert above it can be clicked; dragging selects and copies";

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
    let leader = model.keymap.leader();
    let own = |bound: &Binding| bound.function.is_some() || bound.action == Action::Dismiss;
    for bound in Keymap::BINDINGS.into_iter().filter(own) {
        let key = bound
            .function
            .map_or_else(|| format!("{leader} {}", bound.letter), |f| format!("F{f}"));
        entry(&key, sentence(bound.action), Role::Key, pen, &mut out);
    }
    entry("look back", LOOK_BACK, Role::Key, pen, &mut out);
    entry("mouse", MOUSE, Role::Key, pen, &mut out);
    let letters: Vec<_> =
        Keymap::BINDINGS.iter().map(|bound| format!("{} {}", bound.letter, bound.label)).collect();
    let leader = format!(
        "{leader}, then a letter, does the same where a key is taken: {}",
        letters.join(", ")
    );
    entry("leader", &leader, Role::Key, pen, &mut out);
    out.push(Line::from(pen.dim("Every other key belongs to Claude Code.")));
    out.push(Line::default());
    let mut said = model.notices.said().rev().peekable();
    if said.peek().is_some() {
        for (n, shown) in said.enumerate() {
            let name = if n == 0 { "notes" } else { "" };
            entry(name, &format!("· {}", shown.notice.text), Role::Title, pen, &mut out);
        }
        out.push(Line::default());
    }
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
