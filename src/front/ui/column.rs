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
        app::Model,
        theme::{Role, Theme},
    },
    protocol::Snapshot,
};

use super::{
    cache, noise, prefill, sandbox, server,
    text::{Pen, UNKNOWN, cut, lines},
    thinking, time, window,
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

/// Room of each pane, in their order.
const ROWS: [Rows; 8] = [
    rows(4, 4, 4),
    rows(3, 6, 6),
    rows(2, 3, 11),
    rows(1, 2, 2),
    rows(3, 4, 5),
    rows(1, 1, 9),
    rows(2, 4, 6),
    rows(1, 2, 2),
];

/// Rows that must be left over before the notes get a pane of their own; the help has them all.
const NOTES_ROWS: u16 = 4;

/// Which panes go first when there is no room at all: noise, time, thinking, sandbox, server.
const GO_FIRST: [usize; 5] = [5, 4, 3, 7, 6];

/// Draws the column.
pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if area.width < 8 || area.height < 3 {
        return;
    }
    Clear.render(area, buf);
    buf.set_style(area, theme.style(Role::Text));
    let unknown = Snapshot::default();
    let snapshot = model.snapshot.as_deref().unwrap_or(&unknown);
    let pen = Pen { theme, width: usize::from(area.width - 4) };
    let mut panes = [
        prefill::pane(snapshot, pen),
        window::pane(snapshot, pen),
        cache::pane(snapshot, pen),
        thinking::pane(snapshot, pen),
        time::pane(snapshot, pen),
        noise::pane(snapshot, pen),
        server::pane(model, snapshot, pen),
        sandbox::pane(snapshot, model.notices.said().count(), pen),
    ];
    if model.snapshot.is_none() {
        // Not even a zero is known.
        for pane in &mut panes {
            pane.lines = vec![Line::from(pen.dim(UNKNOWN))];
            pane.source = UNKNOWN.to_owned();
            pane.tone = Role::Source;
        }
    }
    let border = theme.style(Role::Border);
    let mut y = area.y;
    let lens = std::array::from_fn(|at| panes[at].lines.len());
    let mut heights = heights(area.height - 1, lens).to_vec();
    let mut panes = panes.to_vec();
    let taken: u16 = heights.iter().flatten().map(|lines| lines + 1).sum();
    let left = (area.height - 1).saturating_sub(taken);
    if left >= NOTES_ROWS && model.notices.said().next().is_some() {
        panes.push(notes(model, pen));
        heights.push(Some(left - 1));
    }
    for (pane, height) in panes.iter().zip(heights) {
        let Some(height) = height else { continue };
        rule(area, y, y == area.y, pane, theme, buf);
        let inner = Rect::new(area.x + 2, y + 1, area.width - 4, height);
        for side in inner.top()..inner.bottom() {
            buf.set_string(area.x, side, "│", border);
            buf.set_string(area.right() - 1, side, "│", border);
        }
        lines(inner, &pane.lines, buf);
        y = inner.bottom();
    }
    let dashes = "─".repeat(usize::from(area.width - 2));
    for side in y..area.bottom() - 1 {
        buf.set_string(area.x, side, "│", border);
        buf.set_string(area.right() - 1, side, "│", border);
    }
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
fn rule(area: Rect, y: u16, top: bool, pane: &Pane, theme: &Theme, buf: &mut Buffer) {
    let border = theme.style(Role::Border);
    let (left, right) = if top { ("┌", "┐") } else { ("├", "┤") };
    let room = usize::from(area.width).saturating_sub(pane.title.width() + 8);
    let source = cut(&pane.source, room);
    let dashes = usize::from(area.width).saturating_sub(pane.title.width() + source.width() + 7);
    let line = Line::from(vec![
        Span::styled(left, border),
        Span::styled(format!(" {} ", pane.title), theme.style(Role::Title)),
        Span::styled("─".repeat(dashes), border),
        Span::styled(format!(" {source} "), theme.style(pane.tone)),
        Span::styled(format!("─{right}"), border),
    ]);
    buf.set_line(area.x, y, &line, area.width);
}

/// Lines for each pane in so many rows, the bottom border already taken off; `None` for a pane
/// that is not shown. `lens`: the lines each has to tell.
fn heights(rows: u16, lens: [usize; ROWS.len()]) -> [Option<u16>; ROWS.len()] {
    let mut heights = ROWS.map(|r| Some(r.least));
    let taken = |heights: &[Option<u16>; ROWS.len()]| -> u16 {
        heights.iter().flatten().map(|lines| lines + 1).sum()
    };
    for gone in GO_FIRST {
        if taken(&heights) <= rows {
            break;
        }
        heights[gone] = None;
    }
    for at in (0..ROWS.len()).rev() {
        if taken(&heights) > rows {
            heights[at] = None;
        }
    }
    for (at, room) in ROWS.iter().enumerate() {
        let left = rows.saturating_sub(taken(&heights));
        if let Some(height) = &mut heights[at] {
            *height += left.min(room.good.saturating_sub(*height));
        }
    }
    // A cache that broke and a model with a long name tell more, at the cost of empty lines.
    for (at, room) in ROWS.iter().enumerate() {
        let left = rows.saturating_sub(taken(&heights));
        let told = u16::try_from(lens[at]).unwrap_or(u16::MAX).min(room.most);
        if let Some(height) = &mut heights[at] {
            *height += left.min(told.saturating_sub(*height));
        }
    }
    heights
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{Risk, ServerKind, Source, Tier},
        protocol::PrefillLast,
    };

    #[test]
    fn all_panes_are_there_at_thirty_rows() {
        assert!(heights(27, [2; ROWS.len()]).iter().all(Option::is_some));
    }

    /// Every pane's lines at a width, as text.
    fn told(snapshot: &Snapshot, width: usize) -> Vec<(&'static str, String)> {
        let theme = Theme::default();
        let pen = Pen { theme: &theme, width };
        let model = plain_model();
        [
            prefill::pane(snapshot, pen),
            window::pane(snapshot, pen),
            cache::pane(snapshot, pen),
            thinking::pane(snapshot, pen),
            time::pane(snapshot, pen),
            noise::pane(snapshot, pen),
            server::pane(&model, snapshot, pen),
            sandbox::pane(snapshot, 32, pen),
        ]
        .into_iter()
        .flat_map(|pane| {
            let title = pane.title;
            pane.lines.into_iter().map(move |line| (title, line.to_string()))
        })
        .collect()
    }

    fn plain_model() -> Model {
        let options = crate::front::app::Options {
            title: crate::front::app::Title::default(),
            keymap: crate::front::input::Keymap::default(),
            themes: Vec::new(),
            theme: 0,
            scrollback: 0,
        };
        Model::new(options, (120, 40))
    }

    /// Figures up to the widest that are plausible: a window of a million tokens, hours, a
    /// machine with terabytes.
    fn plausible() -> impl Strategy<Value = Snapshot> {
        let tokens = || {
            prop_oneof![
                Just(None),
                Just(Some(262_144)),
                Just(Some(1_000_000)),
                (0_u64..=1_000_000).prop_map(Some)
            ]
        };
        let times =
            || prop_oneof![Just(None), Just(Some(3_599.0)), (0.0..359_999.0).prop_map(Some)];
        let source =
            || prop::sample::select(vec![None, Some(Source::Server), Some(Source::Estimate)]);
        (
            prop::collection::vec(tokens(), 12),
            prop::collection::vec(times(), 10),
            (source(), source(), any::<bool>(), any::<bool>()),
            prop::sample::select(vec![Risk::None, Risk::Near, Risk::Now]),
            0.0..=1.0_f64,
        )
            .prop_map(|(c, t, (one, two, about, busy), risk, share)| {
                let n = |at: usize| c[at].unwrap_or(0);
                let s = |at: usize| t[at].unwrap_or(0.0);
                let mut out = Snapshot::default();
                (out.window.size, out.window.used, out.window.fixed) = (c[0], c[1], c[2]);
                (out.window.source, out.window.fixed_source) = (one, two);
                out.window.percent = Some(share * 100.0);
                let rate = c[6].map(|_| share * 99_999.0);
                if busy {
                    (out.prefill.done, out.prefill.total) = (c[3], c[4]);
                    (out.prefill.cached, out.prefill.rate) = (c[5], rate);
                    (out.prefill.eta_s, out.prefill.elapsed_s) = (t[0], t[1]);
                }
                (out.prefill.source, out.prefill.total_estimated) = (one, about);
                let (total, cached) = (c[4], c[5]);
                out.prefill.last = c[7].map(|_| PrefillLast { seconds: s(2), total, cached, rate });
                out.cache.last_ratio = Some(share);
                out.cache.session_ratio = Some(share);
                (out.cache.reread_tokens, out.cache.breaks) = (n(8), n(9) % 10_000);
                out.cache.estimated = about;
                (out.thinking.tokens, out.thinking.estimated) = (n(10), about);
                out.thinking.leaked_turns = n(11) % 10_000;
                out.thinking.stopped = n(11) % 10_000;
                out.noise.total = n(9);
                out.noise.by_path = [("/api/event_logging/batch".to_owned(), n(9))].into();
                (out.time.prefill_s, out.time.generate_s, out.time.tools_s) = (s(3), s(4), s(5));
                (out.time.idle_s, out.time.compaction_s) = (s(6), s(7));
                (out.time.turn_s, out.time.session_s) = (t[8], s(9));
                (out.forecast.turns_left, out.forecast.risk) = (c[10], risk);
                out.forecast.next_prefill_s = t[1];
                out.server.kind = Some(ServerKind::LlamaServer);
                out.server.url = Some("http://127.0.0.1:65535".to_owned());
                out.server.model = Some("Qwen3-Coder-30B-A3B-Instruct-GGUF:Q4_K_M".to_owned());
                out.server.healthy = Some(about);
                out.server.rss = Some((share * 1_099_000_000_000.0) as u64);
                out.server.swap = c[0].map(|n| n * 1_000_000);
                out.server.memory_percent = Some(share * 100.0);
                out.sandbox.tier = Some(Tier::Strict);
                (out.sandbox.probes, out.sandbox.blocked) = (Some(1_000), Some(n(9) % 1_000));
                out.sandbox.egress_blocked = n(9);
                out
            })
    }

    proptest! {
        #[test]
        fn no_row_loses_a_figure_or_a_unit(snapshot in plausible(), wide: bool) {
            let width = if wide { 42 } else { 34 };
            for (title, line) in told(&snapshot, width) {
                prop_assert!(line.width() <= width, "{title}: {line}");
                prop_assert!(!line.contains('…'), "{title}: {line}");
            }
        }

        #[test]
        fn heights_never_pass_the_room(rows in 0_u16..120, lens in prop::array::uniform8(0_usize..20)) {
            let sum: u16 = heights(rows, lens).iter().flatten().map(|lines| lines + 1).sum();
            prop_assert!(sum <= rows);
        }
    }
}
