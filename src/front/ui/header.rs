//! The line on top: project, model, server, sandbox; what is wrong with them is loud.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use crate::front::{
    app::Model,
    theme::{Role, Theme},
};

use super::{
    sandbox,
    server::named,
    text::{Pen, cut, minutes},
};

/// Columns of the project's and of the model's name at most, the roomiest first.
const NAME_COLS: [usize; 4] = [40, 24, 16, 10];

pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, theme.style(Role::Text));
    let pen = Pen { theme, width: usize::from(area.width) };
    let right = model.snapshot.as_ref().map_or_else(Vec::new, |s| {
        let turns = if s.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", s.turns) };
        vec![pen.dim(format!(" {turns} · {} ", minutes(s.time.session_s)))]
    });
    let taken: usize = right.iter().map(Span::width).sum();
    // Names give way before what must be known does.
    let mut left = Vec::new();
    for cols in NAME_COLS {
        left = said(model, cols, pen);
        if left.iter().map(Span::width).sum::<usize>() + taken <= pen.width {
            break;
        }
    }
    buf.set_line(area.x, area.y, &pen.row(left, right), area.width);
}

fn said(model: &Model, cols: usize, pen: Pen<'_>) -> Vec<Span<'static>> {
    let project = cut(&model.title.project, cols);
    let mut spans = vec![pen.span(Role::Title, " lcc "), pen.text(format!(" {project}"))];
    spans.extend(server(model, cols, pen));
    spans.extend(confinement(model, pen));
    spans
}

fn dot(pen: Pen<'_>) -> Span<'static> {
    pen.dim(" · ")
}

fn server(model: &Model, cols: usize, pen: Pen<'_>) -> Vec<Span<'static>> {
    if model.practice() {
        let mut spans = vec![dot(pen), pen.span(Role::Warn, "practice server: no model")];
        spans.push(pen.dim(if cols > 16 { " · F1 tells how to get a real one" } else { " (F1)" }));
        if model.snapshot.as_ref().is_some_and(|s| s.server.healthy == Some(false)) {
            spans.push(pen.span(Role::Alert, " ■ LOST"));
        }
        return spans;
    }
    let Some(figures) = model.snapshot.as_ref().map(|s| &s.server) else {
        return vec![];
    };
    let mut spans = Vec::new();
    if let Some(name) = &figures.model {
        spans.push(dot(pen));
        spans.push(pen.text(cut(name, cols)));
    }
    if figures.kind.is_some() {
        spans.push(dot(pen));
        spans.push(pen.text(named(figures, cols.max(14))));
    }
    let url = figures.url.as_deref().unwrap_or_default();
    match host(url) {
        Some(host) if !is_local(host) => {
            spans.push(dot(pen));
            spans.push(pen.span(Role::Warn, format!("▲ remote: {}", cut(host, cols.max(24)))));
        }
        // A server with a certificate has a name that says which; it may be a tunnel's end.
        Some(host) if url.starts_with("https://") => {
            spans.push(dot(pen));
            spans.push(pen.text(format!("https {}", cut(host, cols.max(24)))));
        }
        Some(_) | None => {}
    }
    if figures.healthy == Some(false) {
        spans.push(pen.span(Role::Alert, " ■ LOST"));
    }
    spans
}

/// The host of a URL.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(match authority.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, _)) => v6,
        None => authority.split(':').next().unwrap_or(authority),
    })
}

/// Whether a host is this machine. What cannot be told apart is called remote.
fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn confinement(model: &Model, pen: Pen<'_>) -> Vec<Span<'static>> {
    let Some(figures) = model.snapshot.as_ref().map(|s| &s.sandbox) else {
        return vec![];
    };
    let (word, tone) = sandbox::state(figures);
    let mut spans = vec![dot(pen)];
    spans.push(if tone == Role::Alert {
        pen.span(tone, format!("■ SANDBOX {word}"))
    } else if tone == Role::Warn {
        pen.span(tone, format!("▲ SANDBOX {word}"))
    } else {
        pen.text(format!("sandbox {word}"))
    });
    if let Some((probes, blocked)) = figures.probes.zip(figures.blocked)
        && figures.tier != Some(crate::domain::Tier::Off)
    {
        let mark = if probes == blocked { "✓" } else { "■" };
        spans.push(pen.span(tone, format!(" {mark} ")));
        spans.push(pen.text(format!("{blocked}/{probes}")));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Tier, protocol::SandboxFigures};

    #[test]
    fn another_machine_is_named() {
        for (url, host) in [
            ("http://127.0.0.1:8080", None),
            ("http://127.9.8.7", None),
            ("http://localhost:1/x", None),
            ("https://[::1]:1", None),
            ("http://[::ffff:7f00:1]:1", None),
            ("https://gpu1.example:8443/team", Some("gpu1.example")),
            ("http://10.0.0.7:8000", Some("10.0.0.7")),
            ("https://[2001:db8::1]:1", Some("2001:db8::1")),
            ("https://127.0.0.1.example.com", Some("127.0.0.1.example.com")),
            ("https://localhost@gpu1.example/", Some("gpu1.example")),
        ] {
            assert_eq!(super::host(url).filter(|host| !is_local(host)), host, "{url}");
        }
    }

    #[test]
    fn a_weaker_sandbox_is_loud() {
        for (tier, probes, blocked, word, tone) in [
            (Some(Tier::Strict), Some(58), Some(58), "strict", Role::Good),
            (Some(Tier::Strict), Some(58), Some(57), "strict, LEAKS", Role::Alert),
            (Some(Tier::Reduced), Some(9), Some(9), "REDUCED", Role::Warn),
            (Some(Tier::Off), None, None, "OFF", Role::Alert),
            (None, None, None, "–", Role::Source),
        ] {
            let figures = SandboxFigures { tier, probes, blocked, ..SandboxFigures::default() };
            assert_eq!(sandbox::state(&figures), (word, tone));
        }
    }
}
