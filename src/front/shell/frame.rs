//! Cells as bytes for the outer terminal: only what differs, with underlines and links.
//!
//! Written here and not by ratatui's backend: that knows one kind of underline and no links, and
//! it trusts every terminal to count the columns of a cluster as ratatui does.

use std::io::Write as _;

use ratatui::{
    buffer::{Cell, CellWidth},
    style::{Color, Modifier},
};

use crate::front::terminal::{Ink, Link, LinkWay, Underline, link_way};

/// Writes the cells of one frame.
pub(super) struct Pen<'a> {
    out: &'a mut Vec<u8>,
    /// Whether the outer terminal takes kinds of underlines and links.
    rich: bool,
    at: Option<(u16, u16)>,
    fg: Color,
    bg: Color,
    line: Color,
    modifier: Modifier,
    underline: Underline,
    link: Option<Link>,
}

impl<'a> Pen<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, rich: bool) -> Self {
        Self {
            out,
            rich,
            at: None,
            fg: Color::Reset,
            bg: Color::Reset,
            line: Color::Reset,
            modifier: Modifier::empty(),
            underline: Underline::Plain,
            link: None,
        }
    }

    /// Writes one cell. Cells come in reading order.
    pub(super) fn cell(&mut self, x: u16, y: u16, cell: &Cell, ink: Option<&Ink>) {
        if self.at != Some((x, y)) {
            self.go(x, y);
        }
        let underline = ink.map_or(Underline::Plain, |ink| ink.underline);
        self.looks(cell, if self.rich { underline } else { Underline::Plain });
        self.link(ink.and_then(|ink| ink.link.as_ref()).filter(|_| self.rich));
        let symbol = cell.symbol();
        self.out.extend_from_slice(symbol.as_bytes());
        // Terminals do not agree on the columns of clusters: the next cell is gone to anew.
        let sure = symbol.len() == 1 || (cell.cell_width() == 1 && symbol.chars().nth(1).is_none());
        self.at = if sure { x.checked_add(1).map(|x| (x, y)) } else { None };
    }

    /// Leaves the terminal's looks as they were.
    pub(super) fn end(mut self) {
        self.link(None);
        self.out.extend_from_slice(b"\x1b[0m");
    }

    fn go(&mut self, x: u16, y: u16) {
        self.sgr(format_args!("\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1));
    }

    fn sgr(&mut self, text: std::fmt::Arguments<'_>) {
        // A Vec takes whatever is written to it.
        let _ = self.out.write_fmt(text);
    }

    fn looks(&mut self, cell: &Cell, underline: Underline) {
        let lost = self.modifier.difference(cell.modifier);
        if !lost.is_empty() || (self.underline != underline && underline == Underline::Plain) {
            // Taking one attribute back may take another with it (22 ends bold and dim).
            self.out.extend_from_slice(b"\x1b[0m");
            (self.fg, self.bg, self.line) = (Color::Reset, Color::Reset, Color::Reset);
            self.modifier = Modifier::empty();
            self.underline = Underline::Plain;
        }
        for (flag, code) in MODIFIERS {
            if cell.modifier.contains(flag) && !self.modifier.contains(flag) {
                self.sgr(format_args!("\x1b[{code}m"));
            }
        }
        self.modifier = cell.modifier;
        if self.underline != underline {
            // The plain one has gone before, for terminals that do not know the others.
            let kind = match underline {
                Underline::Plain => 1,
                Underline::Double => 2,
                Underline::Curly => 3,
                Underline::Dotted => 4,
                Underline::Dashed => 5,
            };
            self.sgr(format_args!("\x1b[4:{kind}m"));
            self.underline = underline;
        }
        if self.fg != cell.fg {
            self.colour(cell.fg, 30);
            self.fg = cell.fg;
        }
        if self.bg != cell.bg {
            self.colour(cell.bg, 40);
            self.bg = cell.bg;
        }
        if self.line != cell.underline_color {
            match cell.underline_color {
                Color::Rgb(r, g, b) => self.sgr(format_args!("\x1b[58:2::{r}:{g}:{b}m")),
                Color::Indexed(index) => self.sgr(format_args!("\x1b[58:5:{index}m")),
                other => match ansi(other) {
                    Some(index) => self.sgr(format_args!("\x1b[58:5:{index}m")),
                    None => self.out.extend_from_slice(b"\x1b[59m"),
                },
            }
            self.line = cell.underline_color;
        }
    }

    /// `base`: 30 for the text, 40 for the ground.
    fn colour(&mut self, colour: Color, base: u8) {
        match colour {
            Color::Rgb(r, g, b) => self.sgr(format_args!("\x1b[{};2;{r};{g};{b}m", base + 8)),
            Color::Indexed(index) => self.sgr(format_args!("\x1b[{};5;{index}m", base + 8)),
            other => match ansi(other) {
                Some(index @ 0..8) => self.sgr(format_args!("\x1b[{}m", base + index)),
                Some(index) => self.sgr(format_args!("\x1b[{}m", base + 60 + index - 8)),
                None => self.sgr(format_args!("\x1b[{}m", base + 9)),
            },
        }
    }

    /// Opens, changes or closes a link. The outer terminal hears only of pages: a file would be
    /// one of this machine to it, whatever project it is in.
    fn link(&mut self, link: Option<&Link>) {
        let link = link.filter(|link| {
            matches!(link_way(link.address(), std::path::Path::new("/")), LinkWay::Web(_))
        });
        if self.link.as_ref() == link {
            return;
        }
        match link {
            Some(link) => {
                let id: String =
                    link.id().chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                self.sgr(format_args!("\x1b]8;id={id};{}\x1b\\", link.address()));
            }
            None => self.out.extend_from_slice(b"\x1b]8;;\x1b\\"),
        }
        self.link = link.cloned();
    }
}

const MODIFIERS: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// The number of one of the sixteen; none for the default.
const fn ansi(colour: Color) -> Option<u8> {
    match colour {
        Color::Black => Some(0),
        Color::Red => Some(1),
        Color::Green => Some(2),
        Color::Yellow => Some(3),
        Color::Blue => Some(4),
        Color::Magenta => Some(5),
        Color::Cyan => Some(6),
        Color::Gray => Some(7),
        Color::DarkGray => Some(8),
        Color::LightRed => Some(9),
        Color::LightGreen => Some(10),
        Color::LightYellow => Some(11),
        Color::LightBlue => Some(12),
        Color::LightMagenta => Some(13),
        Color::LightCyan => Some(14),
        Color::White => Some(15),
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{buffer::Buffer, layout::Rect, style::Style};

    use super::*;

    fn written(cells: &[(u16, Cell, Option<Ink>)], rich: bool) -> String {
        let mut out = Vec::new();
        let mut pen = Pen::new(&mut out, rich);
        for (x, cell, ink) in cells {
            pen.cell(*x, 0, cell, ink.as_ref());
        }
        pen.end();
        String::from_utf8(out).unwrap()
    }

    fn cell(symbol: &'static str, style: Style) -> Cell {
        let mut cell = Cell::new(symbol);
        cell.set_style(style);
        cell
    }

    #[test]
    fn every_look_by_table() {
        let plain = Style::new();
        let table = [
            (plain, "\x1b[1;1Hx\x1b[0m"),
            (plain.fg(Color::Red), "\x1b[1;1H\x1b[31mx\x1b[0m"),
            (plain.fg(Color::LightBlue).bg(Color::DarkGray), "\x1b[1;1H\x1b[94m\x1b[100mx\x1b[0m"),
            (plain.fg(Color::Indexed(208)), "\x1b[1;1H\x1b[38;5;208mx\x1b[0m"),
            (plain.bg(Color::Rgb(1, 2, 3)), "\x1b[1;1H\x1b[48;2;1;2;3mx\x1b[0m"),
            (plain.underline_color(Color::Rgb(1, 2, 3)), "\x1b[1;1H\x1b[58:2::1:2:3mx\x1b[0m"),
            (plain.underline_color(Color::Red), "\x1b[1;1H\x1b[58:5:1mx\x1b[0m"),
            (
                plain.add_modifier(Modifier::BOLD | Modifier::ITALIC | Modifier::CROSSED_OUT),
                "\x1b[1;1H\x1b[1m\x1b[3m\x1b[9mx\x1b[0m",
            ),
        ];
        for (style, want) in table {
            assert_eq!(written(&[(0, cell("x", style), None)], true), want, "{style:?}");
        }
    }

    #[test]
    fn underlines_have_their_kinds_where_the_terminal_knows_them() {
        let under = cell("x", Style::new().add_modifier(Modifier::UNDERLINED));
        for (underline, want) in [
            (Underline::Plain, "\x1b[1;1H\x1b[4mx\x1b[0m"),
            (Underline::Double, "\x1b[1;1H\x1b[4m\x1b[4:2mx\x1b[0m"),
            (Underline::Curly, "\x1b[1;1H\x1b[4m\x1b[4:3mx\x1b[0m"),
            (Underline::Dotted, "\x1b[1;1H\x1b[4m\x1b[4:4mx\x1b[0m"),
            (Underline::Dashed, "\x1b[1;1H\x1b[4m\x1b[4:5mx\x1b[0m"),
        ] {
            let ink = Some(Ink { underline, link: None });
            assert_eq!(written(&[(0, under.clone(), ink.clone())], true), want);
            assert_eq!(written(&[(0, under.clone(), ink)], false), "\x1b[1;1H\x1b[4mx\x1b[0m");
        }
    }

    #[test]
    fn clusters_are_followed_by_their_place() {
        let cells = ["a", "é", "e\u{301}", "b"];
        let cells: Vec<_> =
            (0..).zip(cells).map(|(x, s)| (x, cell(s, Style::new()), None)).collect();
        assert_eq!(written(&cells, true), "\x1b[1;1Haée\u{301}\x1b[1;4Hb\x1b[0m");
    }

    #[test]
    fn an_independent_terminal_shows_what_was_meant() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        buffer.set_string(0, 0, "one", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        buffer.set_string(3, 0, "two", Style::new().bg(Color::Blue).add_modifier(Modifier::ITALIC));
        buffer.set_string(6, 0, "家x", Style::new());
        let mut out = Vec::new();
        let mut pen = Pen::new(&mut out, true);
        let before = Buffer::empty(buffer.area);
        for (x, y, cell) in before.diff_iter(&buffer) {
            pen.cell(x, y, cell, None);
        }
        pen.end();
        let mut outer = vt100::Parser::new(1.try_into().unwrap(), 20.try_into().unwrap(), 0);
        outer.process(&out);
        let screen = outer.screen();
        assert_eq!(screen.contents(), "onetwo家x");
        let (first, fourth) = (screen.cell(0, 0).unwrap(), screen.cell(0, 3).unwrap());
        assert!(first.bold() && !first.italic() && first.fgcolor() == vt100::Color::Idx(1));
        assert!(fourth.italic() && !fourth.bold() && fourth.bgcolor() == vt100::Color::Idx(4));
        assert_eq!(fourth.fgcolor(), vt100::Color::Default);
    }
}
