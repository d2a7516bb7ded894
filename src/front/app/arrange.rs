//! Keys and mouse on the panes: focus, move, size, hide, zoom, explain.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::{front::ui, protocol::NoticeLevel};

use super::{
    Effect, Kind, Model, Overlay, PaneId, Zoom,
    action::tell,
    panes::{Arrangement, LEAST_COLS},
};

/// What stands in the bottom line while the panes have the keys, the longest that fits.
pub(super) const HINTS: [&str; 3] = [
    "Esc back  ↑↓ pane  J K move  + - height  < > width  Enter zoom  F1 what  d hide  a all  0 reset",
    "Esc back ↑↓ pane J K move +- <> size Enter zoom F1 what d hide",
    "Esc back ↑↓ JK +- <> Enter zoom F1 what",
];

/// What the left button took hold of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drag {
    /// The border between Claude Code and the column.
    Edge,
    /// A pane's name.
    Pane(PaneId),
    /// The line under a pane: its row when it was taken, and the pane's lines.
    Rule(PaneId, u16, u16),
}

/// Gives the panes the keys, or takes them back.
pub(super) fn toggle(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.focus.take().is_some() {
        return;
    }
    let before = model.pane_size();
    match model.layout().kind {
        Kind::Wide => model.column = true,
        Kind::Strip => model.drawer = true,
        Kind::Plain | Kind::TooSmall => {
            let first = model.panes.shown().next();
            model.overlays.extend(first.map(|id| Overlay::Zoom(Zoom::new(id))));
            return;
        }
    }
    model.focus = model.panes.shown().next();
    super::pane::fit(model, before, effects);
}

/// A pane over everything.
pub(super) fn zoom(model: &mut Model, pane: PaneId) {
    let is_it = |overlay: &Overlay| matches!(overlay, Overlay::Zoom(zoom) if zoom.pane == pane);
    let open = model.overlays.last().is_some_and(is_it);
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Zoom(_)));
    if !open {
        model.overlays.push(Overlay::Zoom(Zoom::new(pane)));
    }
}

/// What a pane tells, in words.
pub(super) fn explain(model: &mut Model, pane: PaneId) {
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Explain(_)));
    model.overlays.push(Overlay::Explain(pane));
}

/// The arrangement is another one: it is drawn and kept.
pub(super) fn changed(
    model: &mut Model,
    effects: &mut Vec<Effect>,
    change: impl FnOnce(&mut Arrangement),
) {
    let before = model.pane_size();
    let was = model.panes.clone();
    change(&mut model.panes);
    if model.panes != was {
        effects.push(Effect::Keep(model.panes.text()));
        if model.focus.is_some_and(|id| model.panes.is_hidden(id)) {
            model.focus = model.panes.shown().next();
        }
        super::pane::fit(model, before, effects);
    }
}

/// A key while a pane has the focus.
pub(super) fn press(model: &mut Model, id: PaneId, key: KeyEvent, effects: &mut Vec<Effect>) {
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') => model.focus = None,
        KeyCode::Up if shift => changed(model, effects, |panes| panes.shift(id, -1)),
        KeyCode::Down if shift => changed(model, effects, |panes| panes.shift(id, 1)),
        KeyCode::Char('K') => changed(model, effects, |panes| panes.shift(id, -1)),
        KeyCode::Char('J') => changed(model, effects, |panes| panes.shift(id, 1)),
        KeyCode::Up | KeyCode::BackTab | KeyCode::Char('k') => neighbour(model, id, -1),
        KeyCode::Down | KeyCode::Tab | KeyCode::Char('j') => neighbour(model, id, 1),
        KeyCode::Char('+' | '=') => height(model, id, 1, effects),
        KeyCode::Char('-') => height(model, id, -1, effects),
        KeyCode::Left | KeyCode::Char('<') => width(model, 2, effects),
        KeyCode::Right | KeyCode::Char('>') => width(model, -2, effects),
        KeyCode::Char('d') | KeyCode::Delete => {
            let mut gone = false;
            changed(model, effects, |panes| gone = panes.hide(id, true));
            if gone {
                let text = format!("{} is hidden; a shows all panes again", id.name());
                tell(model, NoticeLevel::Info, text);
            }
        }
        KeyCode::Char('a') => changed(model, effects, |panes| {
            for id in PaneId::ALL {
                panes.hide(id, false);
            }
        }),
        KeyCode::Char('0') => changed(model, effects, |panes| *panes = Arrangement::default()),
        KeyCode::Enter | KeyCode::Char('z') => zoom(model, id),
        KeyCode::Char('?') => explain(model, id),
        _ => {}
    }
    effects.push(Effect::Redraw);
}

/// The focus goes to the pane above or below.
fn neighbour(model: &mut Model, id: PaneId, by: isize) {
    let shown: Vec<PaneId> = model.panes.shown().collect();
    let at = shown.iter().position(|own| *own == id).unwrap_or(0);
    let to = at.saturating_add_signed(by).min(shown.len().saturating_sub(1));
    model.focus = shown.get(to).copied();
}

/// Lines of a pane as it is drawn now; without its title.
fn lines(model: &Model, id: PaneId) -> Option<u16> {
    let places = ui::pane_places(model);
    places.iter().find(|(own, _)| *own == id).map(|(_, area)| area.height.saturating_sub(1))
}

fn height(model: &mut Model, id: PaneId, by: i16, effects: &mut Vec<Effect>) {
    let now = lines(model, id).unwrap_or(0);
    let to = now.saturating_add_signed(by).max(1);
    changed(model, effects, |panes| panes.set_height(id, Some(to)));
}

fn width(model: &mut Model, by: i16, effects: &mut Vec<Effect>) {
    let now = model.layout().panes.width;
    set_width(model, now.saturating_add_signed(by), effects);
}

fn set_width(model: &mut Model, cols: u16, effects: &mut Vec<Effect>) {
    let most = model.layout().most_column();
    let cols = cols.min(most).max(LEAST_COLS);
    changed(model, effects, |panes| panes.set_width(cols));
}

/// The mouse over the column. Returns whether it was for the panes.
pub(super) fn mouse(model: &mut Model, event: MouseEvent, effects: &mut Vec<Effect>) -> bool {
    let at = Position { x: event.column, y: event.row };
    if let Some(drag) = model.drag {
        match event.kind {
            MouseEventKind::Drag(MouseButton::Left) => dragged(model, drag, at, effects),
            MouseEventKind::Up(_) | MouseEventKind::Down(_) => model.drag = None,
            MouseEventKind::Moved
            | MouseEventKind::Drag(_)
            | MouseEventKind::ScrollUp
            | MouseEventKind::ScrollDown
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => {}
        }
        return true;
    }
    let area = model.layout().panes;
    if !area.contains(at) {
        if event.kind == MouseEventKind::Down(MouseButton::Left) && model.focus.take().is_some() {
            effects.push(Effect::Redraw);
        }
        return false;
    }
    let places = ui::pane_places(model);
    let under = places.iter().position(|(_, place)| place.contains(at));
    let id = under.map(|n| places[n].0);
    match (event.kind, id) {
        (MouseEventKind::Down(MouseButton::Left), _) if at.x == area.x => {
            model.drag = Some(Drag::Edge);
        }
        (MouseEventKind::Down(MouseButton::Left), Some(id)) => {
            let n = under.unwrap_or(0);
            pressed(model, id, places[n].1, n.checked_sub(1).map(|above| places[above]), at);
        }
        (MouseEventKind::Down(MouseButton::Right), Some(id)) => explain(model, id),
        (MouseEventKind::ScrollUp, Some(id)) => height(model, id, 1, effects),
        (MouseEventKind::ScrollDown, Some(id)) => height(model, id, -1, effects),
        (
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollUp
            | MouseEventKind::ScrollDown
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight,
            _,
        ) => return true,
    }
    effects.push(Effect::Redraw);
    true
}

/// The left button went down on a pane: its name moves it, the rest of its upper line sizes the
/// one above, a click on its lines takes the focus there, and one more zooms it.
fn pressed(model: &mut Model, id: PaneId, area: Rect, above: Option<(PaneId, Rect)>, at: Position) {
    let name = u16::try_from(id.name().len()).unwrap_or(0) + 3;
    if at.y == area.y && at.x < area.x + name {
        model.focus = Some(id);
        model.drag = Some(Drag::Pane(id));
    } else if at.y == area.y {
        if let Some((above, place)) = above {
            model.drag = Some(Drag::Rule(above, at.y, place.height.saturating_sub(1)));
        }
    } else if model.focus == Some(id) {
        zoom(model, id);
    } else {
        model.focus = Some(id);
    }
}

fn dragged(model: &mut Model, drag: Drag, at: Position, effects: &mut Vec<Effect>) {
    match drag {
        Drag::Edge => {
            let right = model.layout().panes.right();
            set_width(model, right.saturating_sub(at.x), effects);
        }
        Drag::Pane(id) => {
            let places = ui::pane_places(model);
            let over =
                places.iter().find(|(_, place)| place.top() <= at.y && at.y < place.bottom());
            if let Some((over, _)) = over.copied().filter(|(over, _)| *over != id) {
                changed(model, effects, |panes| panes.put(id, over));
            }
        }
        Drag::Rule(id, from, lines) => {
            let moved = i32::from(at.y) - i32::from(from);
            let to = u16::try_from((i32::from(lines) + moved).max(1)).unwrap_or(1);
            changed(model, effects, |panes| panes.set_height(id, Some(to)));
        }
    }
    effects.push(Effect::Redraw);
}
