//! One pane over the whole of Claude Code's frame, with what there is no room for in the column.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::Line,
};

use crate::{
    front::{
        app::{Model, PaneId, Zoom, rows},
        theme::{Role, Theme},
    },
    protocol::{Snapshot, TurnFigures},
};

use super::{
    cache, column, explain, map, spark,
    text::{Pen, UNKNOWN, boxed, lines, percent, rate},
    timeline,
};

/// From this width on, a turn's detail stands beside the list.
const BESIDE: u16 = 92;
/// Columns of the detail beside the list.
const DETAIL_COLS: u16 = 40;

const KEYS: &str = "Tab next pane  ↑↓ scroll  ? what is this  Esc back";
const KEYS_MAP: &str = "↑↓ mark  Enter open  ← up  Tab next pane  ? what is this  Esc back";
const KEYS_TURNS: &str = "↑↓ turn  PgUp PgDn its detail  Tab next pane  ? what is this  Esc back";

/// Where the rows of a list stand, and the first one that is shown.
struct Place {
    area: Rect,
    from: usize,
}

pub(super) fn draw(model: &Model, zoom: &Zoom, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let pane = column::pane_of(zoom.pane, model, Pen { theme, width: 40 });
    let title = format!("{} · {}", pane.title, pane.source);
    let inner = boxed(area, &title, Role::Accent, theme, buf);
    if inner.height < 3 {
        return;
    }
    let unknown = Snapshot::default();
    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
    let pen = Pen { theme, width: usize::from(inner.width) };
    let keys = match zoom.pane {
        PaneId::Window => KEYS_MAP,
        PaneId::Timeline => KEYS_TURNS,
        PaneId::Prefill
        | PaneId::Cache
        | PaneId::Thinking
        | PaneId::Time
        | PaneId::Noise
        | PaneId::Server
        | PaneId::Sandbox => KEYS,
    };
    let bottom = inner.bottom() - 1;
    buf.set_stringn(inner.x, bottom, keys, pen.width, theme.style(Role::Dim));
    let place = place(zoom, snapshot, inner);
    match zoom.pane {
        PaneId::Window => {
            lines(Rect { height: 2, ..inner }, &map::head(snapshot, zoom, pen), buf);
            let body = map::body(snapshot, zoom, pen);
            lines(place.area, &body[place.from.min(body.len())..], buf);
        }
        PaneId::Timeline => turns(zoom, snapshot, &place, inner, theme, buf),
        PaneId::Prefill
        | PaneId::Cache
        | PaneId::Thinking
        | PaneId::Time
        | PaneId::Noise
        | PaneId::Server
        | PaneId::Sandbox => {
            let told = all(zoom.pane, model, snapshot, pen);
            let rows = usize::from(place.area.height);
            let from = zoom.mark.min(told.len().saturating_sub(rows));
            lines(place.area, &told[from..], buf);
        }
    }
}

/// The row of a list under a cell.
#[must_use]
pub fn row_at(model: &Model, zoom: &Zoom, at: Position) -> Option<usize> {
    let unknown = Snapshot::default();
    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
    let frame = model.layout().frame;
    let inner = Rect {
        x: frame.x + 2,
        y: frame.y + 1,
        width: frame.width.saturating_sub(4),
        height: frame.height.saturating_sub(2),
    };
    let place = place(zoom, snapshot, inner);
    let list = matches!(zoom.pane, PaneId::Window | PaneId::Timeline);
    (list && place.area.contains(at)).then(|| place.from + usize::from(at.y - place.area.y))
}

/// Where the rows stand: below two lines of heading, above the keys.
fn place(zoom: &Zoom, snapshot: &Snapshot, inner: Rect) -> Place {
    let body = Rect { height: inner.height.saturating_sub(2), ..inner };
    let (area, count) = match zoom.pane {
        PaneId::Window => {
            let area = Rect { y: body.y + 2, height: body.height.saturating_sub(2), ..body };
            (area, rows(&snapshot.prompt.parts, &zoom.depth).len())
        }
        PaneId::Timeline => {
            let area = Rect { y: body.y + 2, height: body.height.saturating_sub(2), ..body };
            let list = if inner.width >= BESIDE {
                Rect { width: area.width - DETAIL_COLS - 2, ..area }
            } else {
                // As many rows as there are turns, up to a third: the rest is the detail's.
                let turns = u16::try_from(snapshot.timeline.len()).unwrap_or(u16::MAX);
                Rect { height: (area.height / 3).min(turns).max(2).min(area.height), ..area }
            };
            (list, snapshot.timeline.len())
        }
        PaneId::Prefill
        | PaneId::Cache
        | PaneId::Thinking
        | PaneId::Time
        | PaneId::Noise
        | PaneId::Server
        | PaneId::Sandbox => (body, 0),
    };
    let rows = usize::from(area.height);
    let mark = zoom.mark.min(count.saturating_sub(1));
    // The marked row stays in sight.
    Place { area, from: (mark + 1).saturating_sub(rows) }
}

/// The timeline large: the list, and the marked turn in full.
fn turns(
    zoom: &Zoom,
    snapshot: &Snapshot,
    place: &Place,
    inner: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let whole = Pen { theme, width: usize::from(inner.width) };
    buf.set_line(inner.x, inner.y, &timeline::legend(whole), inner.width);
    let list = &snapshot.timeline;
    let pen = Pen { theme, width: usize::from(place.area.width) };
    let Some(marked) = zoom.turn(snapshot) else {
        buf.set_line(place.area.x, place.area.y, &Line::from(pen.dim("no turn yet")), inner.width);
        return;
    };
    let longest = timeline::longest(list.iter());
    let line =
        |turn: &TurnFigures| timeline::line(turn, longest, turn.number == marked.number, pen);
    let shown: Vec<Line<'_>> = list.iter().rev().skip(place.from).map(line).collect();
    lines(place.area, &shown, buf);
    let detail = if inner.width >= BESIDE {
        let x = place.area.right() + 2;
        Rect { x, width: inner.right() - x, ..place.area }
    } else {
        let y = place.area.bottom() + 1;
        Rect { y, height: (inner.bottom() - 1).saturating_sub(y), ..inner }
    };
    let pen = Pen { theme, width: usize::from(detail.width) };
    let told = timeline::detail(marked, pen);
    let most = told.len().saturating_sub(usize::from(detail.height));
    lines(detail, &told[zoom.scroll.min(most)..], buf);
}

/// A pane's own lines, what its figures were turn by turn, and the words about it.
fn all(id: PaneId, model: &Model, snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Line<'static>> {
    let mut out = column::pane_of(id, model, pen).lines;
    out.push(Line::default());
    let turns = &snapshot.timeline;
    match id {
        PaneId::Prefill => {
            let (values, best) = spark::rates(turns);
            chart("reading rate by turn", &values, best, |v| rate(Some(v)), pen, &mut out);
        }
        PaneId::Cache => {
            let values = spark::hits(turns);
            let show = |v: f64| percent(Some(v * 100.0));
            chart("hit ratio by turn", &values, 1.0, show, pen, &mut out);
            breaks(turns, pen, &mut out);
        }
        PaneId::Window
        | PaneId::Thinking
        | PaneId::Time
        | PaneId::Timeline
        | PaneId::Noise
        | PaneId::Server
        | PaneId::Sandbox => {}
    }
    out.extend(explain::told(id, model, pen));
    out
}

/// Rows of a large chart.
const CHART_ROWS: usize = 4;

/// A chart of some rows: a column a turn, the newest at the right.
fn chart(
    title: &str,
    values: &[Option<f64>],
    top: f64,
    show: impl Fn(f64) -> String,
    pen: Pen<'_>,
    out: &mut Vec<Line<'static>>,
) {
    let known: Vec<f64> = values.iter().flatten().copied().filter(|v| v.is_finite()).collect();
    if known.len() < 2 || top <= 0.0 {
        return;
    }
    let last = known.last().copied().map_or_else(|| UNKNOWN.to_owned(), &show);
    out.push(pen.row(
        vec![pen.span(Role::Title, title.to_owned())],
        vec![pen.dim("top "), pen.text(show(top)), pen.dim("  last "), pen.text(last)],
    ));
    for row in (0..CHART_ROWS).rev() {
        #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
        let (floor, height) = (row as f64 / CHART_ROWS as f64, 1.0 / CHART_ROWS as f64);
        let part = |value: &Option<f64>| {
            value.filter(|v| v.is_finite()).map(|v| (v / top - floor) / height)
        };
        let drawn: String = values
            .iter()
            .skip(values.len().saturating_sub(pen.width))
            .map(|value| match part(value) {
                Some(share) if share > 0.0 => spark::spark(&[Some(share)], 1.0, 1),
                None if row == 0 => "·".to_owned(),
                Some(_) | None => " ".to_owned(),
            })
            .collect();
        out.push(Line::from(pen.span(Role::Bar, drawn)));
    }
    out.push(Line::default());
}

/// All breaks of the turns that are kept, the newest first.
fn breaks(turns: &[TurnFigures], pen: Pen<'_>, out: &mut Vec<Line<'static>>) {
    let all = turns.iter().rev().flat_map(|t| t.breaks.iter().rev().map(|b| (t.number, b)));
    let mut any = false;
    for (number, found) in all {
        any = true;
        let cost = cache::cost(found).map_or_else(String::new, |cost| format!(", {cost}"));
        let text = format!("▼ turn {number}: {}{cost}: {}", found.section, found.cause);
        out.extend(pen.sentence(Role::Warn, &text));
    }
    if any {
        out.push(Line::default());
    }
}
