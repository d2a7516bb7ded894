//! Looking back in the pane: where the view stands, what was found, and the keys of reading mode.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    domain::units,
    front::{
        app::{Found, Layout, Model, Reader, Typing, position},
        terminal::{CursorShape, Hit},
        theme::{Role, Theme},
    },
};

use super::{
    claude::CursorAt,
    text::{Pen, cut_front},
};

/// The manual's words on what is done without the leader.
pub(super) const MANUAL: &str = "\
\nCtrl-Z stops lcc, and Claude Code waits with it; `fg` brings both back. Where lcc was not started \
from a\nshell it does nothing.\n\n## Looking back\n\n\
What Claude Code has written stays above its pane, 10,000 lines of it (`scrollback` in the \
configuration).\nPageUp and PageDown, with or without Shift, go through it, Shift-Home and Shift-End \
to its ends; Esc and\ntyping return. Where Claude Code draws the whole screen itself these keys and \
the wheel are its own.\n\nIn reading mode (search, read and save open it) every key is lcc's:\n\n\
| keys | what they do |\n|---|---|\n\
| `h` `j` `k` `l`, arrows, `w` `b` `e`, `0` `^` `$`, `{` `}`, `%` | move the caret |\n\
| `g` `G`, `H` `M` `L`, PageUp PageDown, Ctrl-U Ctrl-D | go far |\n\
| `[` `]` | to the turn before, to the next one |\n\
| `/` | search; `n` the one before, `N` the one after, `c` case, `r` regular expression |\n\
| `v` `V` Ctrl-V | select characters, lines, a block |\n\
| `y` or Enter | copy and return; `Y` copies the line |\n\
| `s` | save the selection, or everything |\n\
| Esc, `q` | take the selection back, return |\n\
\nWhat is copied goes to the terminal's clipboard (OSC 52), or through `wl-copy`, `xclip`, `xsel` or \
`pbcopy`\nwhere the terminal takes none or not so much. A file that is saved is always a new one: a \
plain name lies in\nlcc's state folder under `saved`, `./name` in the project.\n\
\n## Mouse\n\n\
The bottom line can be clicked; a click on the alert above it puts it away. In Claude Code's\npane \
the mouse is Claude Code's where it asks for it; else the wheel scrolls, dragging selects\nand \
copies, two clicks take a word, three a line. With Shift the mouse is always lcc's, where the\n\
terminal does not keep that for itself. Typing returns to the end.\n";

/// Marks what was found in the view; the place one stands on is marked differently.
pub(super) fn marks(model: &Model, theme: &Theme, pane: Rect, buf: &mut Buffer) {
    let Some(reader) = &model.reader else { return };
    let top = model.terminal.top_of_view();
    for (hit, here) in reader.search.in_view() {
        let style = if here {
            theme.style(Role::Selected).add_modifier(Modifier::BOLD)
        } else {
            // Told apart without colour by the line under it.
            theme.style(Role::Accent).add_modifier(Modifier::REVERSED | Modifier::UNDERLINED)
        };
        paint(hit, top, style, model.terminal.size().cols, pane, buf);
    }
}

fn paint(hit: Hit, top: i32, style: Style, cols: u16, pane: Rect, buf: &mut Buffer) {
    for line in hit.from.line.max(top)..=hit.to.line {
        let Ok(row) = u16::try_from(line - top) else { continue };
        if row >= pane.height {
            break;
        }
        let from = if line == hit.from.line { hit.from.col } else { 0 };
        let to = if line == hit.to.line { hit.to.col } else { cols.saturating_sub(1) };
        let width = to.saturating_sub(from).saturating_add(1);
        let area = Rect::new(pane.x.saturating_add(from), pane.y + row, width, 1);
        buf.set_style(area.intersection(pane), style);
    }
}

/// Where the view stands: on the frame where there is one, else in the pane's corner.
pub(super) fn place(model: &Model, theme: &Theme, layout: &Layout, buf: &mut Buffer) {
    let Some(position) = position(model) else { return };
    let lines = u64::try_from(position.lines).unwrap_or(u64::MAX);
    let mut text =
        format!(" ↑ {} {}", units::count(lines), if lines == 1 { "line" } else { "lines" });
    if let Some((turn, of)) = position.turn {
        text.push_str(&format!(" · turn {turn} of {of}"));
    }
    text.push_str(" · Esc returns ");
    let row = if layout.frame == layout.pane { layout.pane.y } else { layout.frame.y };
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX).min(layout.pane.width);
    let x = layout.pane.right().saturating_sub(width);
    buf.set_stringn(x, row, &text, usize::from(width), theme.style(Role::Selected));
}

/// The caret, or the end of what is being typed in the bottom line.
pub(super) fn cursor(model: &Model, reader: &Reader, layout: &Layout) -> Option<CursorAt> {
    let at = |position, shape| CursorAt { position, shape, blinking: true };
    if reader.typing != Typing::Nothing {
        let width = usize::from(layout.keys.width);
        let col = u16::try_from(typed(reader, width).width()).ok()?;
        let x = layout.keys.x.checked_add(col)?.min(layout.keys.right().saturating_sub(1));
        return Some(at(Position { x, y: layout.keys.y }, CursorShape::Bar));
    }
    let (col, row) = model.terminal.caret()?;
    let position =
        Position { x: layout.pane.x.checked_add(col)?, y: layout.pane.y.checked_add(row)? };
    let seen = layout.pane.contains(position) && !layout.panes.contains(position);
    seen.then_some(at(position, CursorShape::Block))
}

/// The bottom line of reading mode: what is typed, what was found, the keys there is room for.
pub(super) fn bar(model: &Model, reader: &Reader, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.style(Role::Text));
    let width = usize::from(area.width);
    let pen = Pen { theme, width };
    let mut left = match reader.typing {
        Typing::Nothing => vec![pen.span(Role::Title, " read ")],
        Typing::Search { .. } | Typing::Name(_) => vec![pen.text(typed(reader, width))],
    };
    let mut right = Vec::new();
    if let Some(says) = &reader.says {
        right.push(pen.span(Role::Warn, format!(" {says} ")));
    } else if let Some((role, text)) = found(reader) {
        right.push(pen.span(role, format!(" {text} ")));
    }
    let taken: usize = left.iter().chain(&right).map(Span::width).sum();
    left.extend(hints(model, reader, width.saturating_sub(taken), pen));
    let line: Line<'_> = pen.row(left, right);
    buf.set_line(area.x, area.y, &line, area.width);
}

/// What stands before the cursor in the bottom line.
fn typed(reader: &Reader, width: usize) -> String {
    let (label, text) = match &reader.typing {
        Typing::Nothing => return String::new(),
        Typing::Search { .. } => ("/", reader.search.text()),
        Typing::Name(name) => ("save as ", name.as_str()),
    };
    // Its end is where one types; a third of the line stays for what was found.
    let room = (width * 2 / 3).saturating_sub(label.width() + 1);
    format!(" {label}{}", cut_front(text, room))
}

fn found(reader: &Reader) -> Option<(Role, String)> {
    let search = &reader.search;
    let mut text = match search.found() {
        Found::Nothing => return None,
        Found::Wrong(wrong) => return Some((Role::Warn, wrong)),
        Found::Nowhere => "not found".to_owned(),
        Found::Places { at, of } => {
            let at = at.map_or_else(|| "–".to_owned(), |at| at.to_string());
            let more = if of >= crate::front::app::MOST_PLACES { "+" } else { "" };
            format!("{at}/{of}{more}")
        }
    };
    for (on, word) in [(search.case(), " case"), (search.regex(), " regex")] {
        if on {
            text.push_str(word);
        }
    }
    let role = if search.found() == Found::Nowhere { Role::Warn } else { Role::Accent };
    Some((role, text))
}

/// The keys that fit, the most needed first.
fn hints(model: &Model, reader: &Reader, room: usize, pen: Pen<'_>) -> Vec<Span<'static>> {
    let searched = !reader.search.text().is_empty();
    let keys: &[(&str, &str)] = match &reader.typing {
        Typing::Search { .. } => &[
            ("Enter", "keeps"),
            ("Esc", "gives up"),
            ("↑↓", "go on"),
            ("Ctrl-T", "case"),
            ("Ctrl-R", "regex"),
        ],
        Typing::Name(_) => &[("Enter", "saves"), ("Esc", "gives up"), ("./", "in the project")],
        Typing::Nothing if reader.selecting.is_some() => &[
            ("y", "copies"),
            ("Esc", "takes back"),
            ("s", "saves"),
            ("hjkl", "moves"),
            ("v V ^V", "changes"),
        ],
        Typing::Nothing if searched => &[
            ("n", "older"),
            ("N", "newer"),
            ("Esc", "returns"),
            ("v", "selects"),
            ("/", "anew"),
            ("c", "case"),
            ("r", "regex"),
        ],
        Typing::Nothing => &[
            ("v", "selects"),
            ("/", "searches"),
            ("Esc", "returns"),
            ("[ ]", "turns"),
            ("V", "lines"),
            ("s", "saves"),
            ("g G", "ends"),
        ],
    };
    let mut spans = Vec::new();
    let mut used = 2;
    spans.push(pen.text("  "));
    let wide = model.layout().keys.width >= 100;
    let gap = if wide { "  " } else { " " };
    for (key, does) in keys {
        let cols = key.width() + 1 + does.width() + gap.len();
        if used + cols > room {
            break;
        }
        used += cols;
        spans.push(pen.span(Role::Key, *key));
        spans.push(pen.dim(format!(" {does}{gap}")));
    }
    spans
}
