//! The right column: the panes one under the other, in one frame.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    front::{
        app::{Model, PaneId},
        theme::{Role, Theme},
    },
    protocol::Snapshot,
};

use super::{
    cache, fixed, noise, prefill, sandbox, server,
    text::{Pen, UNKNOWN, cut, lines},
    thinking, time, timeline, window,
};

/// One pane: what it is, where its figures come from, and its lines, the most important first.
#[derive(Clone)]
pub(super) struct Pane {
    /// Its name.
    pub(super) title: &'static str,
    /// Where its figures come from, or its state in a word.
    pub(super) source: String,
    /// How the source is drawn.
    pub(super) tone: Role,
    /// Its lines.
    pub(super) lines: Vec<Line<'static>>,
}

/// Lines of a pane without its title: at least, when there is room, when there is plenty. Fixed,
/// so that nothing jumps when figures come and go.
#[derive(Debug, Clone, Copy)]
struct Rows {
    least: u16,
    good: u16,
    most: u16,
}

const fn rows(least: u16, good: u16, most: u16) -> Rows {
    Rows { least, good, most }
}

/// Room of a pane that the user has not sized.
const fn usual(id: PaneId) -> Rows {
    match id {
        PaneId::Prefill => rows(4, 4, 4),
        PaneId::Window => rows(3, 6, 6),
        PaneId::Cache => rows(2, 3, 11),
        PaneId::Time => rows(3, 4, 8),
        PaneId::Timeline => rows(2, 2, 8),
        PaneId::Noise => rows(1, 1, 9),
        PaneId::Server => rows(2, 4, 6),
        PaneId::Thinking => rows(1, 2, 2),
        PaneId::Sandbox => rows(2, 3, 10),
    }
}

/// Rows that must be left over before the notes get a pane of their own; the help has them all.
const NOTES_ROWS: u16 = 4;

/// Which panes go first when there is no room at all.
const GO_FIRST: [PaneId; 6] = [
    PaneId::Noise,
    PaneId::Timeline,
    PaneId::Time,
    PaneId::Thinking,
    PaneId::Sandbox,
    PaneId::Server,
];

/// One pane's place in the column.
struct Placed {
    /// `None`: the notes.
    id: Option<PaneId>,
    pane: Pane,
    /// Title and lines, the frame's border left and right included.
    area: Rect,
}

/// Where the panes stand now, title included; those without room are left out.
#[must_use]
pub fn pane_places(model: &Model) -> Vec<(PaneId, Rect)> {
    let placed = lay(model, model.theme(), model.layout().panes);
    placed.into_iter().filter_map(|placed| Some((placed.id?, placed.area))).collect()
}

/// What a pane shows in lines of this width.
pub(super) fn pane_of(id: PaneId, model: &Model, pen: Pen<'_>) -> Pane {
    let unknown = Snapshot::default();
    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
    let mut pane = match id {
        PaneId::Prefill => prefill::pane(snapshot, pen),
        PaneId::Window => window::pane(snapshot, pen),
        PaneId::Cache => cache::pane(snapshot, pen),
        PaneId::Thinking => thinking::pane(snapshot, pen),
        PaneId::Time => time::pane(snapshot, pen),
        PaneId::Timeline => timeline::pane(snapshot, pen),
        PaneId::Noise => noise::pane(snapshot, pen),
        PaneId::Server => server::pane(model, snapshot, pen),
        PaneId::Sandbox => sandbox::pane(snapshot, model.notices.said().count(), pen),
    };
    match id {
        PaneId::Window => pane.lines.extend(fixed::lines(snapshot, pen)),
        PaneId::Prefill
        | PaneId::Cache
        | PaneId::Thinking
        | PaneId::Time
        | PaneId::Timeline
        | PaneId::Noise
        | PaneId::Server
        | PaneId::Sandbox => {}
    }
    if model.snapshot.is_none() {
        // Not even a zero is known.
        pane.lines = vec![Line::from(pen.dim(UNKNOWN))];
        pane.source = UNKNOWN.to_owned();
        pane.tone = Role::Source;
    }
    pane
}

fn lay(model: &Model, theme: &Theme, area: Rect) -> Vec<Placed> {
    if area.width < 8 || area.height < 3 {
        return Vec::new();
    }
    let pen = Pen { theme, width: usize::from(area.width - 4) };
    let ids: Vec<PaneId> = model.panes.shown().collect();
    let panes: Vec<Pane> = ids.iter().map(|id| pane_of(*id, model, pen)).collect();
    let wants: Vec<Want> = ids
        .iter()
        .zip(&panes)
        .map(|(id, pane)| Want {
            id: *id,
            rows: model.panes.height(*id).map_or_else(|| usual(*id), |own| rows(own, own, own)),
            told: u16::try_from(pane.lines.len()).unwrap_or(u16::MAX),
            first: model.focus == Some(*id),
        })
        .collect();
    let heights = heights(area.height - 1, &wants);
    let mut y = area.y;
    let mut placed = Vec::with_capacity(ids.len() + 1);
    for ((id, pane), height) in ids.into_iter().zip(panes).zip(heights) {
        let Some(height) = height else { continue };
        let area = Rect::new(area.x, y, area.width, height + 1);
        y = area.bottom();
        placed.push(Placed { id: Some(id), pane, area });
    }
    let left = (area.bottom() - 1).saturating_sub(y);
    if left >= NOTES_ROWS && model.notices.said().next().is_some() {
        let area = Rect::new(area.x, y, area.width, left);
        placed.push(Placed { id: None, pane: notes(model, pen), area });
    }
    placed
}

/// Draws the column.
pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let placed = lay(model, theme, area);
    if placed.is_empty() {
        return;
    }
    Clear.render(area, buf);
    buf.set_style(area, theme.style(Role::Text));
    let border = theme.style(Role::Border);
    for side in area.top()..area.bottom() - 1 {
        buf.set_string(area.x, side, "│", border);
        buf.set_string(area.right() - 1, side, "│", border);
    }
    for Placed { id, pane, area: place } in &placed {
        let focused = id.is_some() && *id == model.focus;
        rule(area, place.y, focused, pane, theme, buf);
        let inner = Rect::new(area.x + 2, place.y + 1, area.width - 4, place.height - 1);
        lines(inner, &pane.lines, buf);
        if focused {
            // The mark stands without colour, too.
            for side in inner.top()..inner.bottom() {
                buf.set_string(area.x, side, "┃", theme.style(Role::Accent));
            }
        }
    }
    let dashes = "─".repeat(usize::from(area.width - 2));
    buf.set_string(area.x, area.bottom() - 1, format!("└{dashes}┘"), border);
}

/// What lcc said since the start, newest first.
fn notes(model: &Model, pen: Pen<'_>) -> Pane {
    let lines = model
        .notices
        .said()
        .rev()
        .flat_map(|said| pen.sentence(Role::Dim, &format!("· {}", said.notice.text)))
        .collect();
    Pane { title: "notes", source: "F1 has all".to_owned(), tone: Role::Source, lines }
}

/// A pane's upper border: its name at the left, its source at the right.
fn rule(area: Rect, y: u16, focused: bool, pane: &Pane, theme: &Theme, buf: &mut Buffer) {
    let border = theme.style(Role::Border);
    let (left, right) = if y == area.y { ("┌", "┐") } else { ("├", "┤") };
    let (mark, name) = if focused { ("▸", Role::Accent) } else { (" ", Role::Title) };
    let room = usize::from(area.width).saturating_sub(pane.title.width() + 8);
    let source = cut(&pane.source, room);
    let dashes = usize::from(area.width).saturating_sub(pane.title.width() + source.width() + 7);
    let line = Line::from(vec![
        Span::styled(left, border),
        Span::styled(mark, theme.style(name)),
        Span::styled(format!("{} ", pane.title), theme.style(name)),
        Span::styled("─".repeat(dashes), border),
        Span::styled(format!(" {source} "), theme.style(pane.tone)),
        Span::styled(format!("─{right}"), border),
    ]);
    buf.set_line(area.x, y, &line, area.width);
}

/// What one pane would have.
#[derive(Debug, Clone, Copy)]
struct Want {
    id: PaneId,
    rows: Rows,
    /// Lines it has to tell.
    told: u16,
    /// It has the keys and stays whatever happens.
    first: bool,
}

/// Lines for each pane in so many rows, the bottom border already taken off; `None` for a pane
/// that is not shown.
fn heights(rows: u16, wants: &[Want]) -> Vec<Option<u16>> {
    let mut heights: Vec<Option<u16>> = wants.iter().map(|want| Some(want.rows.least)).collect();
    let taken = |heights: &[Option<u16>]| -> u16 {
        heights.iter().flatten().fold(0, |all, lines| all.saturating_add(lines + 1))
    };
    let go = GO_FIRST.into_iter().filter_map(|id| wants.iter().position(|want| want.id == id));
    let rest = (0..wants.len()).rev();
    for gone in go.chain(rest) {
        if taken(&heights) <= rows {
            break;
        }
        if !wants[gone].first {
            heights[gone] = None;
        }
    }
    // What has the keys is cut to the room there is.
    if taken(&heights) > rows {
        for (height, want) in heights.iter_mut().zip(wants) {
            *height = (want.first && rows > 1).then(|| want.rows.least.min(rows - 1));
        }
    }
    let grow = |heights: &mut [Option<u16>], to: &dyn Fn(&Want) -> u16| {
        for (at, want) in wants.iter().enumerate() {
            let left = rows.saturating_sub(taken(heights));
            if let Some(height) = &mut heights[at] {
                *height += left.min(to(want).saturating_sub(*height));
            }
        }
    };
    grow(&mut heights, &|want| want.rows.good);
    // A cache that broke and a model with a long name tell more, at the cost of empty lines.
    grow(&mut heights, &|want| want.told.min(want.rows.most));
    // What the fixed part consists of is nice to know where rows are left at the very end.
    let sized = |want: &Want| want.rows.least == want.rows.most && want.id != PaneId::Prefill;
    grow(&mut heights, &|want| {
        let more = want.id == PaneId::Window && !sized(want);
        if more { want.told } else { 0 }
    });
    heights
}

#[cfg(test)]
mod tests;
