//! Box drawing and block characters as shapes, so that lines join whatever the font.

/// A shape inside a cell of the size 1 by 1.
pub enum Shape {
    /// A filled rectangle: x, y, width, height, opacity.
    Fill(f64, f64, f64, f64, f64),
    /// A line through points, with a width in shares of the usual one.
    Line(Vec<(f64, f64)>, f64),
    /// A quarter circle from one edge's middle to another's.
    Arc((f64, f64), (f64, f64)),
}

const LEFT: (f64, f64) = (0.0, 0.5);
const RIGHT: (f64, f64) = (1.0, 0.5);
const TOP: (f64, f64) = (0.5, 0.0);
const BOTTOM: (f64, f64) = (0.5, 1.0);
const MIDDLE: (f64, f64) = (0.5, 0.5);

/// The shapes of a character; `None` for one that the font draws.
pub fn shapes(c: char) -> Option<Vec<Shape>> {
    Some(match c {
        '─' | '╌' | '┄' => strokes(&[LEFT, RIGHT], 1.0),
        '━' => strokes(&[LEFT, RIGHT], 2.0),
        '│' | '╎' | '┆' => strokes(&[TOP, BOTTOM], 1.0),
        '┃' => strokes(&[TOP, BOTTOM], 2.0),
        '┌' => strokes(&[RIGHT, BOTTOM], 1.0),
        '┐' => strokes(&[LEFT, BOTTOM], 1.0),
        '└' => strokes(&[RIGHT, TOP], 1.0),
        '┘' => strokes(&[LEFT, TOP], 1.0),
        '├' => strokes(&[TOP, BOTTOM, RIGHT], 1.0),
        '┤' => strokes(&[TOP, BOTTOM, LEFT], 1.0),
        '┬' => strokes(&[LEFT, RIGHT, BOTTOM], 1.0),
        '┴' => strokes(&[LEFT, RIGHT, TOP], 1.0),
        '┼' => strokes(&[LEFT, RIGHT, TOP, BOTTOM], 1.0),
        '╴' => strokes(&[LEFT], 1.0),
        '╵' => strokes(&[TOP], 1.0),
        '╶' => strokes(&[RIGHT], 1.0),
        '╷' => strokes(&[BOTTOM], 1.0),
        '╭' => vec![Shape::Arc(RIGHT, BOTTOM)],
        '╮' => vec![Shape::Arc(LEFT, BOTTOM)],
        '╰' => vec![Shape::Arc(RIGHT, TOP)],
        '╯' => vec![Shape::Arc(LEFT, TOP)],
        // The hook under a tool call; few fonts have it.
        '⎿' => vec![line(&[(0.3, 0.0), (0.3, 0.75), (0.9, 0.75)])],
        // A triangle in slices; few fonts have it.
        '⏵' => (0..8)
            .map(|n| {
                let (n, half) = (f64::from(n), 0.22 * (1.0 - f64::from(n) / 8.0));
                fill(0.1 + n * 0.1, 0.54 - half, 0.105, 2.0 * half)
            })
            .collect(),
        '═' => vec![line(&[(0.0, 0.42), (1.0, 0.42)]), line(&[(0.0, 0.58), (1.0, 0.58)])],
        '║' => vec![line(&[(0.36, 0.0), (0.36, 1.0)]), line(&[(0.64, 0.0), (0.64, 1.0)])],
        '▀' => vec![fill(0.0, 0.0, 1.0, 0.5)],
        '▔' => vec![fill(0.0, 0.0, 1.0, 0.125)],
        '▐' => vec![fill(0.5, 0.0, 0.5, 1.0)],
        '▕' => vec![fill(0.875, 0.0, 0.125, 1.0)],
        '▁'..='█' => {
            let height = eighths(c, '▁');
            vec![fill(0.0, 1.0 - height, 1.0, height)]
        }
        // From seven eighths down to one.
        '▉'..='▏' => vec![fill(0.0, 0.0, 1.0 - eighths(c, '▉'), 1.0)],
        '░' => vec![Shape::Fill(0.0, 0.0, 1.0, 1.0, 0.25)],
        '▒' => vec![Shape::Fill(0.0, 0.0, 1.0, 1.0, 0.5)],
        '▓' => vec![Shape::Fill(0.0, 0.0, 1.0, 1.0, 0.75)],
        '▖'..='▟' => quadrants(c),
        _ => return None,
    })
}

fn fill(x: f64, y: f64, width: f64, height: f64) -> Shape {
    Shape::Fill(x, y, width, height, 1.0)
}

fn line(points: &[(f64, f64)]) -> Shape {
    Shape::Line(points.to_vec(), 1.0)
}

/// Strokes from the middle of the cell to the middles of edges.
fn strokes(ends: &[(f64, f64)], width: f64) -> Vec<Shape> {
    match ends {
        // Two ends make one line, so that a corner has no notch.
        [a, b] => vec![Shape::Line(vec![*a, MIDDLE, *b], width)],
        _ => ends.iter().map(|end| Shape::Line(vec![*end, MIDDLE], width)).collect(),
    }
}

/// How many eighths a block character stands for, counted from the first of its row.
fn eighths(c: char, first: char) -> f64 {
    let steps = u32::from(c) - u32::from(first) + 1;
    f64::from(steps) / 8.0
}

/// Upper left, upper right, lower left and lower right quarter.
fn quadrants(c: char) -> Vec<Shape> {
    let set = match c {
        '▖' => [false, false, true, false],
        '▗' => [false, false, false, true],
        '▘' => [true, false, false, false],
        '▙' => [true, false, true, true],
        '▚' => [true, false, false, true],
        '▛' => [true, true, true, false],
        '▜' => [true, true, false, true],
        '▝' => [false, true, false, false],
        '▞' => [false, true, true, false],
        _ => [false, true, true, true],
    };
    let corners = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)];
    let filled = corners.into_iter().zip(set).filter(|(_, set)| *set);
    filled.map(|((x, y), _)| fill(x, y, 0.5, 0.5)).collect()
}
