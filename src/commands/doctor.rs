//! `lcc doctor`: looks at everything lcc needs and says what to mend, and how.

mod checks;
mod gather;

use std::io::{self, Write};

use serde::Serialize;

pub use checks::{ClaudeFact, Facts, SandboxFact, ServerFact, check};
pub use gather::gather;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
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
            Verdict::Warning => "warn",
            Verdict::Failure => "FAIL",
        };
        writeln!(out, "{mark}  {:<12} {}", f.check, f.found)?;
        if !f.why.is_empty() {
            writeln!(out, "      {:<12} {}", "", f.why)?;
        }
        for line in f.fix.lines() {
            writeln!(out, "      {:<12} fix: {line}", "")?;
        }
    }
    Ok(())
}
