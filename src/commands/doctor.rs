//! `lcc doctor`: looks at everything lcc needs and says what to mend, and how.

mod ask;
mod checks;
mod details;
mod facts;
mod gather;
mod gguf;
mod memory;
mod probe;

use std::io::{self, Write};

use serde::Serialize;

pub use checks::check;
pub use facts::Facts;
pub use gather::gather;

/// How much the model is made to do; both cost its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Tries thinking both ways, and the same long prefix twice.
    pub deep: bool,
    /// Tries thinking both ways, and one tool call.
    pub smoke: bool,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Not looked at, or nothing to be seen; says why.
    Skipped,
    /// Works, but something is lost.
    Warning,
    /// lcc cannot work so.
    Failure,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The thing that was looked at.
    pub check: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// Why it matters; empty when all is well.
    pub why: String,
    /// The exact way out; empty when all is well.
    pub fix: String,
}

/// Whether any finding is a failure.
#[must_use]
pub fn failed(findings: &[Finding]) -> bool {
    findings.iter().any(|f| f.verdict == Verdict::Failure)
}

/// Writes the findings, as JSON or as lines for people.
///
/// # Errors
/// What the output stream said.
pub fn print(findings: &[Finding], json: bool, out: &mut impl Write) -> io::Result<()> {
    if json {
        let text = serde_json::to_string_pretty(&serde_json::json!({
            "ok": !failed(findings),
            "checks": findings,
        }))?;
        return writeln!(out, "{text}");
    }
    for f in findings {
        let mark = match f.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Skipped => "-   ",
            Verdict::Warning => "warn",
            Verdict::Failure => "FAIL",
        };
        writeln!(out, "{mark}  {:<15} {}", f.check, f.found)?;
        if !f.why.is_empty() {
            writeln!(out, "      {:<15} {}", "", f.why)?;
        }
        for line in f.fix.lines() {
            writeln!(out, "      {:<15} fix: {line}", "")?;
        }
    }
    Ok(())
}
