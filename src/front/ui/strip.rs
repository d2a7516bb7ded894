//! The line of figures under Claude Code where there is no room for the panes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    symbols::block,
    text::{Line, Span},
};

use crate::{
    domain::{Risk, Source, Tier, units},
    front::{
        app::Model,
        theme::{Role, Theme},
    },
    protocol::Snapshot,
};

use super::{
    bar::{Part, bar, share},
    sandbox,
    text::{Pen, UNKNOWN, percent, rate, seconds, tilde},
    window,
};

/// Columns between two figures: ` │ `.
const GAP: usize = 3;

/// One figure: its columns never change, whatever it says.
struct Item {
    cols: usize,
    spans: Vec<Span<'static>>,
}

pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.style(Role::Text));
    let width = usize::from(area.width);
    let unknown = Snapshot::default();
    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
    let pen = Pen { theme, width };
    let mut spans = vec![pen.dim(" ")];
    let mut left = width.saturating_sub(1);
    for (n, item) in items(snapshot, pen).into_iter().enumerate() {
        let gap = if n == 0 { 0 } else { GAP };
        if item.cols + gap > left {
            continue;
        }
        left -= item.cols + gap;
        if n > 0 {
            spans.push(pen.span(Role::Border, " │ "));
        }
        let row = Pen { theme, width: item.cols }.row(item.spans, vec![]);
        spans.extend(row.spans);
    }
    buf.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// The figures; those that find no room are left out.
fn items(snapshot: &Snapshot, pen: Pen<'_>) -> Vec<Item> {
    let mut items =
        vec![read(snapshot, pen), fill(snapshot, pen), cache(snapshot, pen), memory(snapshot, pen)];
    items.push(confinement(snapshot, pen));
    let leaks = snapshot.thinking.off && snapshot.thinking.leaked_turns > 0;
    let think = if leaks {
        let turns = units::count(snapshot.thinking.leaked_turns);
        Item { cols: 9, spans: vec![pen.span(Role::Alert, format!("■ leaks {turns}"))] }
    } else {
        let about = tilde(snapshot.thinking.estimated);
        let tokens = format!("{about}{}", units::count(snapshot.thinking.tokens));
        Item { cols: 13, spans: vec![pen.dim("think "), pen.text(tokens)] }
    };
    // A leak matters more than the memory and takes its place.
    if leaks {
        items[3] = think;
    } else {
        items.push(think);
    }
    items
}

fn read(snapshot: &Snapshot, pen: Pen<'_>) -> Item {
    let cols = 23;
    if snapshot.server.healthy == Some(false) {
        return Item { cols, spans: vec![pen.span(Role::Alert, "■ SERVER LOST")] };
    }
    let figures = &snapshot.prefill;
    let spans = match (figures.done, &figures.last) {
        (Some(done), _) => {
            let total = figures.total.unwrap_or(0);
            let cached = figures.cached.unwrap_or(0).min(done);
            let parts = [
                Part { share: share(cached, total), fill: "▓", role: Role::BarFixed },
                Part { share: share(done - cached, total), fill: block::FULL, role: Role::Bar },
            ];
            let mut spans = vec![pen.dim("read ")];
            spans.extend(bar(6, &parts, pen.theme));
            let part = figures.total.and_then(|total| units::percent(done.min(total), total));
            spans.push(pen.text(format!(" {}", percent(part))));
            let eta = figures
                .eta_s
                .map_or_else(|| "– s".to_owned(), |s| format!("~{}", units::seconds(s)));
            spans.push(pen.span(Role::Accent, format!(" {eta:>6}")));
            spans
        }
        (None, Some(last)) => vec![
            pen.dim("read "),
            pen.text(format!("{:>6}", seconds(Some(last.seconds)))),
            pen.text(format!(" {:>11}", rate(last.rate))),
        ],
        (None, None) => vec![pen.dim("read "), pen.text(format!("{UNKNOWN:>4} s"))],
    };
    Item { cols, spans }
}

fn fill(snapshot: &Snapshot, pen: Pen<'_>) -> Item {
    let role = window::role(snapshot.forecast.risk).unwrap_or(Role::Text);
    let mark = match snapshot.forecast.risk {
        Risk::None => " ",
        Risk::Near => "▲",
        Risk::Now => "■",
    };
    let estimated = snapshot.window.source.is_some_and(Source::is_estimate);
    let about = if estimated { "~" } else { " " };
    let turns = match snapshot.forecast.turns_left {
        Some(1) => "~1 turn".to_owned(),
        Some(n) if n > 99 => ">99 turns".to_owned(),
        Some(n) => format!("~{n} turns"),
        None => format!("{UNKNOWN} turns"),
    };
    Item {
        cols: 18,
        spans: vec![
            pen.dim("win"),
            pen.span(role, format!("{about}{}", percent(snapshot.window.percent))),
            pen.span(role, format!("{mark}{turns}")),
        ],
    }
}

fn cache(snapshot: &Snapshot, pen: Pen<'_>) -> Item {
    let ratio = snapshot.cache.last_ratio;
    let role = if ratio.is_some_and(|r| r < 0.7) { Role::Warn } else { Role::Text };
    let text = percent(ratio.map(|r| r * 100.0));
    Item { cols: 10, spans: vec![pen.dim("cache "), pen.span(role, text)] }
}

fn memory(snapshot: &Snapshot, pen: Pen<'_>) -> Item {
    let memory = snapshot.server.memory_percent;
    let role = if memory.is_some_and(|m| m >= 90.0) { Role::Warn } else { Role::Text };
    Item { cols: 8, spans: vec![pen.dim("mem "), pen.span(role, percent(memory))] }
}

/// A weaker sandbox is said in the line of keys, which nothing covers.
fn confinement(snapshot: &Snapshot, pen: Pen<'_>) -> Item {
    let (_, tone) = sandbox::state(&snapshot.sandbox);
    let text = match snapshot.sandbox.tier {
        Some(Tier::Strict) if tone == Role::Alert => "■ LEAKS",
        Some(Tier::Strict) => "✓ strict",
        Some(Tier::Reduced) => "▲ weak",
        Some(Tier::Off) => "■ off",
        None => UNKNOWN,
    };
    Item { cols: 8, spans: vec![pen.span(tone, text)] }
}
