//! What was found, as Markdown: printed, and put into docs/BENCHMARKS.md when told.

use std::{fs, path::Path};

use crate::record::Record;

/// The window everything is held against.
const WINDOW: u64 = 32_768;

/// One thing that has to hold.
#[derive(Debug, Clone)]
pub struct Bound {
    what: String,
    seen: String,
    asked: String,
    held: bool,
}

impl Bound {
    pub fn at_least(what: &str, seen: f64, asked: f64) -> Self {
        Self::new(what, figure(seen), format!("≥ {}", figure(asked)), seen >= asked)
    }

    pub fn at_most(what: &str, seen: f64, asked: f64) -> Self {
        Self::new(what, figure(seen), format!("≤ {}", figure(asked)), seen <= asked)
    }

    pub fn exactly(what: &str, seen: f64, asked: f64) -> Self {
        let same = (seen - asked).abs() < f64::EPSILON;
        Self::new(what, figure(seen), figure(asked), same)
    }

    pub fn that(what: &str, holds: bool) -> Self {
        Self::new(what, if holds { "yes" } else { "no" }.to_owned(), "yes".to_owned(), holds)
    }

    fn new(what: &str, seen: String, asked: String, held: bool) -> Self {
        Self { what: what.to_owned(), seen, asked, held }
    }
}

/// A figure with as many digits as it deserves.
fn figure(value: f64) -> String {
    if value.fract().abs() < 1e-9 {
        format!("{value:.0}")
    } else if value >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The part of the report that one case writes.
#[derive(Debug)]
pub struct Section {
    pub name: &'static str,
    intro: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    bounds: Vec<Bound>,
    notes: Vec<String>,
}

impl Section {
    pub fn new(name: &'static str, intro: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, intro, columns, rows: Vec::new(), bounds: Vec::new(), notes: Vec::new() }
    }

    pub fn row(&mut self, cells: &[String]) {
        println!("  {}", cells.join(" | "));
        self.rows.push(cells.to_vec());
    }

    pub fn bound(&mut self, bound: Bound) {
        let word = if bound.held { "held" } else { "MISSED" };
        println!("  {word}: {}: {} (asked: {})", bound.what, bound.seen, bound.asked);
        self.bounds.push(bound);
    }

    pub fn note(&mut self, text: &str) {
        println!("  {text}");
        self.notes.push(text.to_owned());
    }

    /// Whether something was measured and every bound held.
    pub fn held(&self) -> bool {
        !self.bounds.is_empty() && self.bounds.iter().all(|b| b.held)
    }

    /// The section as Markdown, without its heading.
    pub fn markdown(&self, command: &str) -> String {
        let mut text = format!("`{command}`. {}\n\n", self.intro);
        if !self.rows.is_empty() {
            text += &line(self.columns);
            text += &line(&vec!["---"; self.columns.len()]);
            for row in &self.rows {
                text += &line(row);
            }
            text.push('\n');
        }
        if !self.bounds.is_empty() {
            text += &line(&["asked for", "bound", "seen", "held"]);
            text += &line(&["---"; 4]);
            for b in &self.bounds {
                let held = if b.held { "yes" } else { "**no**" };
                text += &line(&[b.what.as_str(), &b.asked, &b.seen, held]);
            }
            text.push('\n');
        }
        for note in &self.notes {
            text += &format!("- {note}\n");
        }
        text.trim_end().to_owned() + "\n"
    }
}

fn line<S: AsRef<str>>(cells: &[S]) -> String {
    let cells: Vec<_> = cells.iter().map(|c| c.as_ref().replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// `N (P % of the window)`.
pub fn of_tokens(tokens: u64) -> String {
    format!("{tokens} ({:.0} %)", tokens as f64 * 100.0 / WINDOW as f64)
}

/// The middle value; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Keeps the raw records of a session beside the build, for whoever doubts a figure.
pub fn keep(name: &str, records: &[Record]) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("first_token");
    let lines: Vec<_> = records.iter().filter_map(|r| serde_json::to_string(r).ok()).collect();
    let written = fs::create_dir_all(&dir)
        .and_then(|()| fs::write(dir.join(format!("{name}.jsonl")), lines.join("\n") + "\n"));
    if let Err(error) = written {
        eprintln!("{}: {error}; the records of {name} are not kept", dir.display());
    }
}

/// Puts a section between its marks in docs/BENCHMARKS.md.
pub fn write(name: &str, text: &str) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md");
    let said = |e: std::io::Error| format!("{}: {e}", path.display());
    let old = fs::read_to_string(&path).map_err(said)?;
    let new = replaced(&old, name, text)
        .ok_or_else(|| format!("{}: no marks for {name}", path.display()))?;
    fs::write(&path, new).map_err(said)
}

/// `old` with `text` between the marks of `name`.
fn replaced(old: &str, name: &str, text: &str) -> Option<String> {
    let begin = format!("<!-- first_token {name} -->\n");
    let (before, rest) = old.split_once(&begin)?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    Some(format!("{before}{begin}{text}<!-- end -->{after}"))
}
