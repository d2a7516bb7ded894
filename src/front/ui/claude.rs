//! Claude Code's pane: its frame, its screen, its cursor; or why it has none.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::{Block, Widget},
};

use crate::{
    domain::units,
    front::{
        app::{ChildState, Layout, Model, alert, centred},
        terminal::CursorShape,
        theme::{Role, Theme},
    },
};

use super::{
    search,
    text::{Pen, boxed, lines, wrap},
};

/// Where the outer terminal's cursor belongs, and its looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorAt {
    /// The cell.
    pub position: Position,
    /// Its shape, as Claude Code asked for it.
    pub shape: CursorShape,
    /// Whether it blinks.
    pub blinking: bool,
}

/// The cursor of Claude Code's pane in the outer terminal; `None` when none is to be seen.
#[must_use]
pub fn cursor(model: &Model) -> Option<CursorAt> {
    if !model.overlays.is_empty() || model.focus.is_some() {
        return None;
    }
    let layout = model.layout();
    if let Some(reader) = &model.reader {
        return search::cursor(model, reader, &layout);
    }
    if !matches!(model.child, ChildState::Running) {
        return None;
    }
    let cursor = model.terminal.cursor()?;
    let position = Position {
        x: layout.pane.x.checked_add(cursor.col)?,
        y: layout.pane.y.checked_add(cursor.row)?,
    };
    let covered = layout.panes.contains(position)
        || (layout.alert.contains(position) && alert(model).is_some());
    (layout.pane.contains(position) && !covered).then_some(CursorAt {
        position,
        shape: cursor.shape,
        blinking: cursor.blinking,
    })
}

pub(super) fn draw(model: &Model, theme: &Theme, layout: &Layout, buf: &mut Buffer) {
    if layout.frame != layout.pane {
        Block::bordered()
            .border_style(theme.style(Role::Border))
            .title(Span::styled(" claude ", theme.style(Role::Title)))
            .render(layout.frame, buf);
    }
    let pane = layout.pane;
    match &model.child {
        ChildState::Running => screen(model, theme, layout, buf),
        ChildState::Starting(steps) => starting(model, steps, theme, pane, buf),
        ChildState::Ended { code, message } => {
            screen(model, theme, layout, buf);
            // Who reads back wants to see what stands behind it.
            if model.reader.is_none() && model.terminal.view_offset() == 0 {
                ended(*code, message, theme, pane, buf);
            }
        }
        ChildState::Failed { message } => failed(message, theme, pane, buf),
        ChildState::Ending => {
            model.terminal.draw(pane, buf);
            let area = centred(pane, 44, 4);
            let inner = boxed(area, "quitting", Role::Border, theme, buf);
            let pen = Pen { theme, width: usize::from(inner.width) };
            let text = ["Claude Code is being ended.", "F10 once more leaves at once."];
            lines(inner, &text.map(|t| Line::from(pen.text(t))), buf);
        }
    }
}

/// Claude Code's screen, and over it what was found and where the view stands.
fn screen(model: &Model, theme: &Theme, layout: &Layout, buf: &mut Buffer) {
    model.terminal.draw(layout.pane, buf);
    search::marks(model, theme, layout.pane, buf);
    search::place(model, theme, layout, buf);
}

/// What the engine is doing, line by line, so that nobody looks at an empty screen.
fn starting(model: &Model, steps: &[String], theme: &Theme, pane: Rect, buf: &mut Buffer) {
    let pen = Pen { theme, width: usize::from(pane.width.saturating_sub(4)) };
    let area = Rect {
        x: pane.x + 2.min(pane.width),
        y: pane.y + 1.min(pane.height),
        width: pane.width.saturating_sub(4),
        height: pane.height.saturating_sub(1),
    };
    let since = units::seconds(model.phase_seconds().floor()).replace(".0", "");
    let mut shown =
        vec![Line::from(vec![pen.span(Role::Accent, "starting…"), pen.dim(format!("  {since}"))])];
    if steps.is_empty() {
        shown.push(Line::from(pen.dim("looking for Claude Code and a model server")));
    }
    let room = usize::from(area.height.saturating_sub(2));
    let from = steps.len().saturating_sub(room);
    for (at, step) in steps.iter().enumerate().skip(from) {
        let last = at + 1 == steps.len();
        let (mark, role) = if last { ("› ", Role::Text) } else { ("✓ ", Role::Dim) };
        shown.extend(pen.sentence(role, &format!("{mark}{step}")));
    }
    lines(area, &shown, buf);
}

fn ended(code: Option<i32>, message: &str, theme: &Theme, pane: Rect, buf: &mut Buffer) {
    let title = match code {
        // A shell's way to say that a signal ended it; bubblewrap passes it on so.
        Some(code) if code > 128 && code < 160 => {
            format!("Claude Code was ended by signal {}", code - 128)
        }
        Some(0) => "Claude Code has left".to_owned(),
        Some(code) => format!("Claude Code ended with exit code {code}"),
        None => "Claude Code ended".to_owned(),
    };
    let width = 60.min(pane.width);
    // The engine's sentence, unless it only repeats the code.
    let mut words = String::new();
    if !message.contains("exit status") && !message.is_empty() {
        words.push_str(message);
        words.push('\n');
    }
    words.push_str("Its last words stand behind this; files it changed stay changed. ");
    words.push_str("lcc --resume takes this conversation up again.");
    let text = wrap(&words, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_add(4);
    let area = centred(pane, width, height);
    let inner = boxed(area, &title, Role::Warn, theme, buf);
    ways_on(text, "start it anew", inner, theme, buf);
}

fn failed(message: &str, theme: &Theme, pane: Rect, buf: &mut Buffer) {
    let width = 76.min(pane.width);
    let text = wrap(message, usize::from(width.saturating_sub(4)));
    let height = u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_add(4);
    let area = centred(pane, width, height);
    let inner = boxed(area, "Claude Code could not be started", Role::Alert, theme, buf);
    ways_on(text, "try again", inner, theme, buf);
}

/// A message and, always on the last line, the keys that lead on.
fn ways_on(text: Vec<String>, again: &str, inner: Rect, theme: &Theme, buf: &mut Buffer) {
    let pen = Pen { theme, width: usize::from(inner.width) };
    let body = Rect { height: inner.height.saturating_sub(2), ..inner };
    let text: Vec<_> = text.into_iter().map(|line| Line::from(pen.text(line))).collect();
    lines(body, &text, buf);
    let keys = Line::from(vec![
        pen.span(Role::Key, "F5"),
        pen.text(format!(" {again}   ")),
        pen.span(Role::Key, "F10"),
        pen.text(" quit"),
    ]);
    buf.set_line(inner.x, inner.bottom().saturating_sub(1).max(inner.y), &keys, inner.width);
}
