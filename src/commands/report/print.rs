//! The report in words, for a terminal.

use std::fmt::Write as _;

use super::{Report, costs::Cost};
use crate::{
    domain::{Source, units},
    engine::session::record::Record,
};

/// All of it.
pub(super) fn text(report: &Report) -> String {
    let mut text = format!("project   {}\n", report.project.display());
    match &report.session {
        Some(session) => last(&mut text, session),
        None => text.push_str("session   none yet in this project: start one with lcc\n"),
    }
    text.push('\n');
    text.push_str(&super::left::text(report.left.as_ref(), false));
    text.push_str(&super::egress::text(&report.egress));
    text.push('\n');
    profiles(&mut text, report);
    text
}

/// The last session and its fixed part. Writing to a string cannot fail.
fn last(text: &mut String, r: &Record) {
    let claude = r.claude.as_deref().unwrap_or("of unknown version");
    let _ = writeln!(
        text,
        "session   {}: Claude Code {claude}, profile {}, model {}",
        r.session, r.profile, r.model
    );
    let share = r.fixed.zip(r.window).and_then(|(fixed, size)| units::percent(fixed, size));
    let by = match r.fixed_source {
        Some(Source::Server) => ", counted by the server",
        Some(Source::Log | Source::Estimate) => ", estimated",
        None => "",
    };
    let _ = writeln!(
        text,
        "fixed     {} of {} tokens ({}){by}\n",
        count(r.fixed, false),
        count(r.window, false),
        percent(share)
    );
    let _ = writeln!(text, "{:>9}  {:>9}  part", "tokens", "bytes");
    for part in &r.parts {
        let _ = writeln!(
            text,
            "{:>9}  {:>9}  {}",
            count(part.tokens, !part.counted),
            units::count(part.bytes),
            part.part
        );
    }
}

fn profiles(text: &mut String, report: &Report) {
    let Some(claude) = &report.claude else {
        text.push_str(match report.profiles.is_empty() {
            true => {
                "profiles  not known: Claude Code was not found. Start lcc once to install it\n"
            }
            false => "profiles  of a Claude Code of unknown version\n",
        });
        rows(text, &report.profiles);
        return;
    };
    let by = report.server.as_ref().map_or_else(
        || "estimated: no server to count them; name one with --server URL".to_owned(),
        |url| format!("counted by {url}"),
    );
    let _ = writeln!(text, "profiles  on Claude Code {claude}: system and tools, {by}\n");
    rows(text, &report.profiles);
}

fn rows(text: &mut String, all: &[Cost]) {
    if all.is_empty() {
        return;
    }
    let width = all.iter().map(|c| c.profile.len()).max().unwrap_or(0).max(8);
    let _ = writeln!(
        text,
        "  {:<width$}  {:>5}  {:>9}  {:>9}  {:>7}  {:>9}",
        "profile", "tools", "bytes", "tokens", "window", "read cold"
    );
    for cost in all {
        let mark = if cost.current { '*' } else { ' ' };
        if let Some(problem) = &cost.problem {
            let _ = writeln!(text, "{mark} {:<width$}  {problem}", cost.profile);
            continue;
        }
        let read =
            cost.read_s.map_or_else(|| "–".to_owned(), |s| format!("~{}", units::seconds(s)));
        let _ = writeln!(
            text,
            "{mark} {:<width$}  {:>5}  {:>9}  {:>9}  {:>7}  {read:>9}",
            cost.profile,
            cost.tools,
            units::count(cost.bytes),
            count(cost.tokens, !cost.counted),
            percent(cost.percent)
        );
        if !cost.left_out.is_empty() {
            let _ = writeln!(text, "      not known there: {}", cost.left_out.join(", "));
        }
    }
    if all.iter().any(|c| c.current) {
        text.push_str("\n* the last session's\n");
    }
}

fn count(n: Option<u64>, guess: bool) -> String {
    let tilde = if guess { "~" } else { "" };
    n.map_or_else(|| "–".to_owned(), |n| format!("{tilde}{}", units::count(n)))
}

fn percent(p: Option<f64>) -> String {
    p.map_or_else(|| "–".to_owned(), |p| format!("{p:.1} %"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ServerKind, protocol::FixedFigures};

    fn cost(profile: &str, tokens: u64) -> Cost {
        Cost {
            profile: profile.into(),
            current: profile == "lean",
            tools: 6,
            bytes: tokens * 4,
            tokens: Some(tokens),
            counted: true,
            percent: Some(tokens as f64 / 327.68),
            read_s: Some(tokens as f64 / 300.0),
            left_out: Vec::new(),
            problem: None,
        }
    }

    #[test]
    fn a_report_reads_as_a_table() {
        let part = |part: &str, tokens, counted| FixedFigures {
            part: part.into(),
            bytes: tokens * 4,
            tokens: Some(tokens),
            counted,
        };
        let session = Record {
            session: "a1b2".into(),
            claude: Some("2.1.197".into()),
            profile: "lean".into(),
            model: "gemma".into(),
            server_kind: ServerKind::LlamaServer,
            server: "http://127.0.0.1:8080".into(),
            window: Some(32_768),
            output_reserve: 4_096,
            fixed: Some(3_506),
            fixed_source: Some(Source::Server),
            parts: vec![part("system[1]", 900, true), part("tool Grep", 830, false)],
        };
        let mut lame = cost("mine", 0);
        lame.problem = Some("Claude Code sent no request within 20 s".into());
        let mut standard = cost("standard", 11_485);
        standard.left_out = vec!["CLAUDE_CODE_X".into()];
        let report = Report {
            project: "/p".into(),
            claude: Some("2.1.197".into()),
            server: Some("http://127.0.0.1:8080".into()),
            session: Some(session),
            egress: Vec::new(),
            left: None,
            profiles: vec![cost("lean", 3_506), standard, lame],
        };
        insta::assert_snapshot!(text(&report));
        let nothing =
            Report { claude: None, server: None, session: None, profiles: Vec::new(), ..report };
        insta::assert_snapshot!(text(&nothing));
    }
}
