//! The text of a service: a systemd user unit or a launchd agent, made from a plan. Pure.

use std::fmt::Write as _;

use super::plan::Plan;

/// In the second line at the latest of every file that lcc writes; nothing else is ever removed.
pub const MARKER: &str = "Written by lcc service; lcc service uninstall removes it";

/// What starts programs at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// A user unit of systemd.
    Systemd,
    /// An agent of launchd.
    Launchd,
}

impl Manager {
    /// This system's.
    pub const HERE: Self = if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd };

    /// The name of the file.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Systemd => "lcc-server.service",
            Self::Launchd => "local.lcc.server.plist",
        }
    }
}

/// A text that the file's format cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} cannot stand in a service file: it has control characters. Rename it")]
pub struct UnitError {
    /// The text.
    pub text: String,
}

/// The whole file for a plan; `log` is where launchd puts what the server writes.
///
/// # Errors
/// A path or argument with control characters.
pub fn text(plan: &Plan, manager: Manager, log: &str) -> Result<String, UnitError> {
    let program = plan.program.to_string_lossy();
    let mut words = vec![program.as_ref()];
    words.extend(plan.args.iter().map(String::as_str));
    let all = words.iter().copied().chain(plan.env.iter().map(|(_, v)| v.as_str())).chain([log]);
    for text in all {
        if text.chars().any(char::is_control) {
            return Err(UnitError { text: text.to_owned() });
        }
    }
    Ok(match manager {
        Manager::Systemd => systemd(plan, &words),
        Manager::Launchd => launchd(plan, &words, log),
    })
}

fn systemd(plan: &Plan, words: &[&str]) -> String {
    let mut out = format!(
        "# {MARKER}\n\
         [Unit]\n\
         Description=Model server for Claude Code ({})\n\
         StartLimitIntervalSec=600\n\
         StartLimitBurst=5\n\
         \n\
         [Service]\n",
        plan.kind
    );
    // systemd takes no program with a quote or a backslash in its path, but any argument.
    let mut shell = vec!["/bin/sh", "-c", "exec \"$@\"", "sh"];
    let words = if words.first().is_some_and(|program| program.contains(['"', '\'', '\\'])) {
        shell.extend(words);
        shell.as_slice()
    } else {
        words
    };
    // The colon keeps `$` in the arguments as it is.
    let line: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| quoted(&if at == 0 { format!(":{word}") } else { (*word).to_owned() }))
        .collect();
    let _ = writeln!(out, "ExecStart={}", line.join(" "));
    for (name, value) in &plan.env {
        let _ = writeln!(out, "Environment={}", quoted(&format!("{name}={value}")));
    }
    out.push_str(
        "Restart=on-failure\n\
         RestartSec=2\n\
         KillMode=control-group\n\
         TimeoutStopSec=10\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
    );
    out
}

/// One word as systemd reads it back: quotes and backslashes escaped, `%` doubled.
fn quoted(word: &str) -> String {
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '%' => out.push_str("%%"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn launchd(plan: &Plan, words: &[&str], log: &str) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- {MARKER} -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key>\n  <string>local.lcc.server</string>\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n"
    );
    for word in words {
        let _ = writeln!(out, "    <string>{}</string>", escaped(word));
    }
    out.push_str("  </array>\n");
    if !plan.env.is_empty() {
        out.push_str("  <key>EnvironmentVariables</key>\n  <dict>\n");
        for (name, value) in &plan.env {
            let value = escaped(value);
            let _ = writeln!(out, "    <key>{name}</key>\n    <string>{value}</string>");
        }
        out.push_str("  </dict>\n");
    }
    out.push_str("  <key>RunAtLoad</key>\n  <true/>\n");
    // Only after a crash, and never more often than every ten seconds.
    out.push_str("  <key>KeepAlive</key>\n  <dict>\n    <key>SuccessfulExit</key>\n    <false/>\n");
    out.push_str("  </dict>\n  <key>ThrottleInterval</key>\n  <integer>10</integer>\n");
    for key in ["StandardOutPath", "StandardErrorPath"] {
        let _ = writeln!(out, "  <key>{key}</key>\n  <string>{}</string>", escaped(log));
    }
    out.push_str("</dict>\n</plist>\n");
    out
}

/// A text inside an XML element.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
