//! The timeline: a line a turn, its reading, writing and tools as stacked widths, its marks.

use ratatui::text::{Line, Span};

use crate::{
    domain::units,
    front::theme::Role,
    protocol::{Snapshot, TurnFigures, TurnState},
};

use super::{
    bar::{Part, bar},
    cache,
    column::Pane,
    text::{Pen, UNKNOWN, percent, rate, seconds, tilde, tokens},
};

/// Columns of a turn's number and of its seconds.
const NUMBER_COLS: usize = 3;
const SECONDS_COLS: usize = 7;
/// Columns of the marks.
const MARK_COLS: usize = 3;

/// Fills that can be told apart without colour, as in the time pane.
const LOOKS: [(&str, Role, &str); 4] = [
    ("█", Role::Bar, "read"),
    ("▒", Role::BarFixed, "write"),
    ("░", Role::Text, "tools"),
    ("╍", Role::Warn, "compact"),
];

/// The pane: the last turns, the newest on top.
pub(super) fn pane(snapshot: &Snapshot, pen: Pen<'_>) -> Pane {
    let turns = &snapshot.timeline;
    let longest = longest(turns.iter().rev().take(8));
    let mut lines: Vec<Line<'static>> =
        turns.iter().rev().map(|turn| line(turn, longest, false, pen)).collect();
    if lines.is_empty() {
        lines.push(Line::from(pen.dim("no turn yet")));
    }
    let source = if turns.is_empty() { UNKNOWN } else { "newest first" };
    Pane { title: "timeline", source: source.to_owned(), tone: Role::Source, lines }
}

/// The longest of these turns; it fills the bar.
pub(super) fn longest<'a>(turns: impl Iterator<Item = &'a TurnFigures>) -> f64 {
    turns.map(TurnFigures::seconds).filter(|s| s.is_finite()).fold(0.0, f64::max)
}

/// What the fills stand for.
pub(super) fn legend(pen: Pen<'_>) -> Line<'static> {
    let mut spans = Vec::new();
    for (fill, role, name) in LOOKS {
        spans.push(pen.span(role, fill));
        spans.push(pen.dim(format!(" {name}  ")));
    }
    spans.push(pen.span(Role::Warn, "▼"));
    spans.push(pen.dim(" cache broke  "));
    spans.push(pen.span(Role::Accent, "◆"));
    spans.push(pen.dim(" compacted  "));
    spans.push(pen.span(Role::Warn, "×"));
    spans.push(pen.dim(" given up"));
    Line::from(spans)
}

/// One turn: `12 ████▒▒░░▁▁▁▁ ▼◆  14.2 s`.
pub(super) fn line(turn: &TurnFigures, longest: f64, marked: bool, pen: Pen<'_>) -> Line<'static> {
    let cols = pen.width.saturating_sub(NUMBER_COLS + SECONDS_COLS + MARK_COLS + 3).max(1);
    let (_, role) = state(turn.state);
    let number = turn.number % 1_000;
    let mut spans = vec![if marked {
        // The mark stands without colour, too.
        pen.span(Role::Selected, format!("▸{number:>width$}", width = NUMBER_COLS - 1))
    } else {
        pen.span(role, format!("{number:>NUMBER_COLS$}"))
    }];
    spans.push(pen.text(" "));
    let share = |s: f64| if longest > 0.0 { s / longest } else { 0.0 };
    let times = [turn.prefill_s, turn.generate_s, turn.tools_s, turn.compaction_s];
    let parts: Vec<Part> = LOOKS
        .iter()
        .zip(times)
        .map(|((fill, role, _), s)| Part { share: share(s), fill, role: *role })
        .collect();
    spans.extend(bar(cols, &parts, pen.theme));
    spans.push(pen.text(" "));
    let marks = marks(turn, pen);
    let used: usize = marks.iter().map(Span::width).sum();
    spans.extend(marks);
    spans.push(pen.text(" ".repeat(MARK_COLS.saturating_sub(used))));
    let took = units::seconds(turn.seconds());
    spans.push(pen.text(format!("{took:>width$}", width = SECONDS_COLS + 1)));
    Line::from(spans)
}

fn marks(turn: &TurnFigures, pen: Pen<'_>) -> Vec<Span<'static>> {
    let mut marks = Vec::new();
    if !turn.breaks.is_empty() {
        marks.push(pen.span(Role::Warn, "▼"));
    }
    if !turn.compactions.is_empty() {
        marks.push(pen.span(Role::Accent, "◆"));
    }
    let (mark, role) = state(turn.state);
    if !mark.is_empty() {
        marks.push(pen.span(role, mark));
    }
    marks
}

/// How a turn stands, as a mark.
const fn state(state: TurnState) -> (&'static str, Role) {
    match state {
        TurnState::Running => ("›", Role::Accent),
        TurnState::Done => ("", Role::Dim),
        TurnState::Stopped => ("×", Role::Warn),
    }
}

/// Everything about one turn.
pub(super) fn detail(turn: &TurnFigures, pen: Pen<'_>) -> Vec<Line<'static>> {
    let whole = turn.seconds();
    let how = match turn.state {
        TurnState::Running => "runs",
        TurnState::Done => "done",
        TurnState::Stopped => "given up or failed",
    };
    let title = format!("turn {} ", units::count(turn.number));
    let mut lines = vec![pen.row(
        vec![pen.span(Role::Title, title), pen.dim(how)],
        vec![pen.text(seconds(Some(whole)))],
    )];
    let times = [turn.prefill_s, turn.generate_s, turn.tools_s, turn.compaction_s];
    for ((fill, role, name), s) in LOOKS.into_iter().zip(times) {
        if s <= 0.0 && name == "compact" {
            continue;
        }
        let part = (whole > 0.0).then(|| s / whole * 100.0);
        lines.push(pen.row(
            vec![pen.span(role, fill), pen.dim(format!(" {name}"))],
            vec![pen.text(format!("{}  {}", seconds(Some(s)), percent(part)))],
        ));
    }
    let pair = |label: &str, figure: String| pen.pair(label, figure);
    let requests = turn.requests;
    lines.push(pair("requests", units::count(requests)));
    lines.push(pair("last prompt", format!("{} tok", tokens(turn.prompt_tokens, 1))));
    lines.push(pair("read", format!("{} tok", units::count(turn.read_tokens))));
    lines.push(pair("from the cache", format!("{} tok", units::count(turn.cached_tokens))));
    lines.push(pair("hit ratio", percent(turn.hit.map(|hit| hit * 100.0)).trim().to_owned()));
    lines.push(pair("reading rate", rate(turn.rate)));
    let about = tilde(turn.output_estimated);
    lines.push(pair("written", format!("{about}{} tok", units::count(turn.output_tokens))));
    lines.push(pair("window after it", format!("{} tok", tokens(turn.used, 1))));
    lines.push(pair("added to it", format!("{} tok", tokens(turn.added, 1))));
    if !turn.tools.is_empty() {
        let tools: Vec<_> = turn
            .tools
            .iter()
            .map(|tool| match tool.count {
                1 => tool.name.clone(),
                n => format!("{} ×{}", tool.name, units::count(n)),
            })
            .collect();
        lines.extend(pen.sentence(Role::Text, &format!("tools: {}", tools.join(", "))));
    }
    for found in &turn.breaks {
        let cost = cache::cost(found).map_or_else(String::new, |cost| format!(", {cost}"));
        let at = units::count(found.at_token);
        let place = format!("▼ the cache broke at token {at}, {}{cost}", found.section);
        lines.extend(pen.sentence(Role::Warn, &place));
        lines.extend(pen.sentence(Role::Text, &format!("  cause: {}", found.cause)));
        if let Some(fix) = &found.fix {
            lines.extend(pen.sentence(Role::Accent, &format!("  fix: {fix}")));
        }
    }
    for done in &turn.compactions {
        let about = tilde(done.after_estimated);
        let text = format!(
            "◆ compacted: {} tok before, {about}{} after, in {}",
            tokens(done.before, 1),
            tokens(done.after, 1),
            units::seconds(done.seconds)
        );
        lines.extend(pen.sentence(Role::Accent, &text));
    }
    lines
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::{
        front::theme::Theme,
        protocol::{CacheBreak, CompactionLast},
    };

    fn turn(prefill_s: f64, generate_s: f64, tools_s: f64) -> TurnFigures {
        TurnFigures {
            number: 12,
            state: TurnState::Done,
            prefill_s,
            generate_s,
            tools_s,
            ..TurnFigures::default()
        }
    }

    #[test]
    fn widths_are_stacked_and_marks_stand_beside_them() {
        let theme = Theme::default();
        let pen = Pen { theme: &theme, width: 34 };
        let shown = |turn: &TurnFigures| line(turn, 18.0, false, pen).to_string();
        assert_eq!(shown(&turn(9.0, 5.0, 4.0)), " 12 █████████▒▒▒▒▒░░░░        18 s");
        let mut broke = turn(9.0, 0.0, 0.0);
        broke.breaks.push(CacheBreak::default());
        broke.state = TurnState::Stopped;
        assert_eq!(shown(&broke), " 12 █████████▁▁▁▁▁▁▁▁▁ ▼×    9.0 s");
        let last =
            CompactionLast { before: None, after: None, after_estimated: true, seconds: 1.0 };
        broke.compactions.push(last);
        for turn in [broke, turn(0.0, 0.0, 0.0), turn(f64::NAN, -1.0, 1e12)] {
            assert_eq!(shown(&turn).width(), 34, "{}", shown(&turn));
        }
    }
}
