//! The screen as SVG: a window frame, grounds, shapes and text on an exact grid.

use std::fmt::Write as _;

use vt100::{Cell, Screen};

use super::{
    glyphs::{Shape, shapes},
    palette::{self, BACKGROUND, FOREGROUND, Rgb, hex},
};

/// Size of a cell and of the font in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: f64 = 14.0;
/// From the top of a cell to the base line of its text.
const BASE: f64 = 13.5;
const STROKE: f64 = 1.1;
/// Room around the cells, and the title bar's height.
const MARGIN: f64 = 12.0;
const BAR: f64 = 34.0;

pub fn render(screen: &Screen, title: &str) -> String {
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let width = f64::from(cols) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + BAR + MARGIN;
    let mut out = frame(width, height, title);
    for row in 0..rows {
        grounds(&mut out, screen, row, cols);
    }
    for row in 0..rows {
        texts(&mut out, screen, row, cols);
    }
    if !screen.hide_cursor() {
        let (row, col) = screen.cursor_position();
        let (x, y) = corner(row, col);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" \
             fill-opacity=\"0.55\"/>",
            CELL.0,
            CELL.1,
            hex(FOREGROUND)
        );
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn frame(width: f64, height: f64, title: &str) -> String {
    let ground = hex(BACKGROUND);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         width=\"{width:.0}\" height=\"{height:.0}\">\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"9\" fill=\"{ground}\" \
         stroke=\"#3a3f49\"/>\n",
        width - 1.0,
        height - 1.0,
    );
    for (x, color) in [(20, "#e0605a"), (38, "#dfaf3d"), (56, "#5fb450")] {
        let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"17\" r=\"5.5\" fill=\"{color}\"/>");
    }
    if !title.is_empty() {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"21.5\" text-anchor=\"middle\" font-size=\"12.5\" \
             font-family=\"system-ui,'DejaVu Sans',sans-serif\" fill=\"#9aa0ab\">{}</text>",
            width / 2.0,
            escaped(title)
        );
    }
    let _ = writeln!(
        out,
        "<g font-family=\"ui-monospace,'JetBrains Mono','SF Mono',Menlo,Consolas,\
         'DejaVu Sans Mono',monospace\" font-size=\"{FONT}\" style=\"white-space:pre\">"
    );
    out
}

fn corner(row: u16, col: u16) -> (f64, f64) {
    (MARGIN + f64::from(col) * CELL.0, BAR + f64::from(row) * CELL.1)
}

/// One rectangle for each stretch of cells with the same ground.
fn grounds(out: &mut String, screen: &Screen, row: u16, cols: u16) {
    let ground = |col| screen.cell(row, col).map_or(BACKGROUND, |cell| palette::of(cell).1);
    let mut col = 0;
    while col < cols {
        let color = ground(col);
        let start = col;
        while col < cols && ground(col) == color {
            col += 1;
        }
        if color != BACKGROUND {
            let (x, y) = corner(row, start);
            rectangle(out, (x, y), (f64::from(col - start) * CELL.0, CELL.1), color, 1.0);
        }
    }
}

fn rectangle(out: &mut String, (x, y): (f64, f64), (w, h): (f64, f64), color: Rgb, opacity: f64) {
    let _ = write!(
        out,
        "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{w:.2}\" height=\"{h:.2}\" fill=\"{}\"",
        hex(color)
    );
    if opacity < 1.0 {
        let _ = write!(out, " fill-opacity=\"{opacity}\"");
    }
    // Neighbours share an edge: no seams by smoothing.
    out.push_str(" shape-rendering=\"crispEdges\"/>\n");
}

#[derive(PartialEq, Clone, Copy)]
struct Style {
    color: Rgb,
    bold: bool,
    italic: bool,
    underline: bool,
}

impl Style {
    fn of(cell: &Cell) -> Self {
        Self {
            color: palette::of(cell).0,
            bold: cell.bold(),
            italic: cell.italic(),
            underline: cell.underline(),
        }
    }
}

/// A stretch of ASCII text in one style; its length is pinned to the grid.
struct Run {
    start: u16,
    text: String,
    style: Style,
}

fn texts(out: &mut String, screen: &Screen, row: u16, cols: u16) {
    let mut run: Option<Run> = None;
    for col in 0..cols {
        let Some(cell) = screen.cell(row, col).filter(|cell| !cell.is_wide_continuation()) else {
            continue;
        };
        let style = Style::of(cell);
        let text = cell.contents();
        let blank = text.trim().is_empty() && !style.underline;
        let plain = !blank && text.is_ascii();
        if let Some(open) = run.as_mut().filter(|open| plain && open.style == style) {
            open.text.push_str(text);
            continue;
        }
        flush(out, row, run.take());
        if plain {
            run = Some(Run { start: col, text: text.to_owned(), style });
        } else if !blank {
            special(out, (row, col), text, style, cell.is_wide());
        }
    }
    flush(out, row, run);
}

fn flush(out: &mut String, row: u16, run: Option<Run>) {
    let Some(run) = run else { return };
    let (x, y) = corner(row, run.start);
    // A blank underlined cell has no text of its own.
    let text = if run.text.is_empty() { " ".to_owned() } else { run.text };
    let length = CELL.0 * f64::from(u16::try_from(text.chars().count()).unwrap_or(u16::MAX));
    let pinned = format!(" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"");
    element(out, (x, y + BASE), &text, run.style, &pinned);
}

fn element(out: &mut String, (x, y): (f64, f64), text: &str, style: Style, more: &str) {
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{}\"{more}", hex(style.color));
    for (set, attribute) in [
        (style.bold, " font-weight=\"700\""),
        (style.italic, " font-style=\"italic\""),
        (style.underline, " text-decoration=\"underline\""),
    ] {
        if set {
            out.push_str(attribute);
        }
    }
    let _ = writeln!(out, ">{}</text>", escaped(text));
}

/// A character outside ASCII: drawn as a shape where lines must join, else centred in its cell.
fn special(out: &mut String, at: (u16, u16), text: &str, style: Style, wide: bool) {
    let (x, y) = corner(at.0, at.1);
    let mut chars = text.chars();
    let single = chars.next().filter(|_| chars.next().is_none());
    let Some(shapes) = single.and_then(shapes) else {
        let width = if wide { 2.0 * CELL.0 } else { CELL.0 };
        let middle = (x + width / 2.0, y + BASE);
        element(out, middle, text, style, " text-anchor=\"middle\"");
        return;
    };
    let point = |(px, py): (f64, f64)| (x + px * CELL.0, y + py * CELL.1);
    for shape in shapes {
        let (path, width) = match shape {
            Shape::Fill(left, top, w, h, opacity) => {
                let size = (w * CELL.0, h * CELL.1);
                rectangle(out, point((left, top)), size, style.color, opacity);
                continue;
            }
            Shape::Line(points, width) => {
                let points = points.into_iter().map(point);
                let text: Vec<_> = points.map(|(x, y)| format!("{x:.2} {y:.2}")).collect();
                (format!("M{}", text.join("L")), width)
            }
            Shape::Arc(from, to) => {
                let ((ax, ay), (bx, by), (mx, my)) = (point(from), point(to), point((0.5, 0.5)));
                (format!("M{ax:.2} {ay:.2}Q{mx:.2} {my:.2} {bx:.2} {by:.2}"), 1.0)
            }
        };
        let stroke = if style.bold { 1.5 } else { 1.0 } * width * STROKE;
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{stroke:.2}\"/>",
            hex(style.color)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
