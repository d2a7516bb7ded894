//! Looking back in Claude Code's pane: the wheel, the page keys, from turn to turn.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{domain::Moment, protocol::NoticeLevel};

use super::{ChildState, Effect, Model, action::tell};

/// How long the prompt of a turn may take to come to the screen before the cursor's line is
/// marked in its stead.
const PROMPT_FOR: Duration = Duration::from_secs(2);

/// Where the view stands above the live screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Lines between the view's last line and the live screen's.
    pub lines: usize,
    /// The turn the view's first line belongs to, counted from 1 among those that are left, and
    /// how many are left.
    pub turn: Option<(usize, usize)>,
}

/// A turn that has begun and whose line is not marked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unmarked {
    number: u64,
    since: Moment,
}

/// Where the view stands; `None` on the live screen.
#[must_use]
pub fn position(model: &Model) -> Option<Position> {
    let lines = model.terminal.view_offset();
    if lines == 0 {
        return None;
    }
    let marks = model.terminal.turn_marks();
    let top = model.terminal.top_of_view();
    let before = marks.partition_point(|mark| mark.line <= top);
    Some(Position { lines, turn: (before > 0).then_some((before, marks.len())) })
}

/// A turn has begun.
pub(super) fn turn_began(model: &mut Model, number: u64) {
    model.unmarked = Some(Unmarked { number, since: model.now });
    mark(model);
}

/// Marks the line of a turn that has begun, once its prompt is on the screen. Costs nothing when
/// there is none.
pub(super) fn mark(model: &mut Model) {
    let Some(Unmarked { number, since }) = model.unmarked else { return };
    if model.terminal.mark_prompt(number) {
        model.unmarked = None;
    } else if model.now.since(since) >= PROMPT_FOR {
        model.terminal.mark_cursor(number);
        model.unmarked = None;
    }
}

/// A page key that scrolls; says whether it was one. On the alternate screen there is nothing
/// above, and the key is Claude Code's.
pub(super) fn key(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) -> bool {
    let shift = key.modifiers == KeyModifiers::SHIFT;
    let scrolled = model.terminal.view_offset() > 0;
    if !matches!(model.child, ChildState::Running | ChildState::Ended { .. })
        || model.terminal.modes().alternate_screen
        || !(shift || key.modifiers.is_empty())
    {
        return false;
    }
    let page = i32::from(model.terminal.size().rows.saturating_sub(2).max(1));
    match key.code {
        KeyCode::PageUp => model.terminal.scroll(page),
        KeyCode::PageDown => model.terminal.scroll(-page),
        KeyCode::Home if shift => model.terminal.scroll(i32::MAX),
        KeyCode::End if shift => model.terminal.scroll_to_bottom(),
        // The plain ones are for the prompt, unless the prompt is out of sight.
        KeyCode::Home if scrolled => model.terminal.scroll(i32::MAX),
        KeyCode::End | KeyCode::Esc if scrolled => model.terminal.scroll_to_bottom(),
        _ => return false,
    }
    effects.push(Effect::Redraw);
    true
}

/// Goes to the turn before (`back`) or after the view's first line; after the last one, to the
/// live screen.
pub(super) fn jump(model: &mut Model, back: bool) {
    if model.terminal.modes().alternate_screen {
        let text = "Claude Code's full screen keeps its own history: PageUp is its key there";
        return tell(model, NoticeLevel::Info, text.to_owned());
    }
    let marks = model.terminal.turn_marks();
    let top = model.terminal.top_of_view();
    let to = if back {
        marks.iter().rev().find(|mark| mark.line < top)
    } else {
        marks.iter().find(|mark| mark.line > top)
    };
    match to {
        Some(mark) if mark.line <= 0 => {
            model.terminal.show_line(mark.line);
            let spot = crate::front::terminal::Spot { line: mark.line, col: 0 };
            model.terminal.caret_to(spot);
        }
        None if back && marks.is_empty() => {
            tell(model, NoticeLevel::Info, "no turn has begun yet".to_owned());
        }
        None if back => tell(model, NoticeLevel::Info, "no turn begins above this".to_owned()),
        // A mark that is left stands on the live screen itself.
        Some(_) | None => model.terminal.scroll_to_bottom(),
    }
    super::copy::moved(model);
}
