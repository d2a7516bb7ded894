//! What the user copied, into the system's clipboard: through the outer terminal, or through a
//! program of the system where that takes none or not so much.

use std::{process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use super::outer;

/// Bytes that every terminal with OSC 52 takes: 100,000 characters of base64.
pub(super) const LIMIT: usize = 74_994;
/// A program that has not taken the text by then will not.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program that fills a clipboard from its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Helper {
    program: &'static str,
    args: &'static [&'static str],
    /// The variable without which it has no clipboard to fill.
    needs: Option<&'static str>,
    /// Whether it fills the clipboard of the machine lcc runs on, which over ssh is not the
    /// one the user sits at.
    local: bool,
}

/// The programs there may be, the best one first.
const HELPERS: [Helper; 6] = [
    Helper { program: "pbcopy", args: &[], needs: None, local: true },
    Helper { program: "wl-copy", args: &[], needs: Some("WAYLAND_DISPLAY"), local: true },
    Helper {
        program: "xclip",
        args: &["-selection", "clipboard"],
        needs: Some("DISPLAY"),
        local: true,
    },
    Helper { program: "xsel", args: &["-bi"], needs: Some("DISPLAY"), local: true },
    Helper { program: "clip.exe", args: &[], needs: Some("WSL_DISTRO_NAME"), local: true },
    Helper {
        program: "tmux",
        args: &["load-buffer", "-w", "-"],
        needs: Some("TMUX"),
        local: false,
    },
];

/// How a text gets into the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// OSC 52 to a terminal that takes it.
    Terminal,
    /// OSC 52 to one that may take it.
    TerminalPerhaps,
    /// Through a program.
    Program(Helper),
    /// The terminal takes none, and there is no program.
    None,
    /// More than the terminal takes, and there is no program.
    TooLarge,
}

/// The first program that is there. `get`: the environment; `there`: whether a program is on PATH.
pub(super) fn helper<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    there: impl Fn(&str) -> bool,
) -> Option<Helper> {
    let has = |name: &str| get(name).is_some_and(|value| !value.is_empty());
    let far = has("SSH_CONNECTION") || has("SSH_TTY");
    HELPERS
        .into_iter()
        .filter(|helper| !(far && helper.local))
        .find(|helper| helper.needs.is_none_or(has) && there(helper.program))
}

/// Chooses. `takes`: whether the outer terminal takes OSC 52, as far as known.
pub(super) fn way(bytes: usize, takes: Option<bool>, helper: Option<Helper>) -> Way {
    match (takes, helper) {
        (Some(true), _) if bytes <= LIMIT => Way::Terminal,
        (_, Some(helper)) => Way::Program(helper),
        (None, None) if bytes <= LIMIT => Way::TerminalPerhaps,
        (Some(false), None) => Way::None,
        (Some(true) | None, None) => Way::TooLarge,
    }
}

/// Goes that way; says what it came to, or why there is nothing in the clipboard. What goes to
/// the terminal is appended to `out` and answered at once.
pub(super) fn terminal(way: Way, text: &str, out: &mut Vec<u8>) -> Option<Result<String, String>> {
    let copied = amount(text);
    match way {
        Way::Terminal => {
            outer::set_clipboard(text, out);
            Some(Ok(format!("copied {copied}")))
        }
        Way::TerminalPerhaps => {
            outer::set_clipboard(text, out);
            Some(Ok(format!("copied {copied}, if this terminal takes a clipboard (OSC 52)")))
        }
        Way::Program(_) => None,
        Way::None => Some(Err("not copied: this terminal takes no clipboard (OSC 52), and none \
                               of wl-copy, xclip, xsel, pbcopy is here; the leader and s save \
                               to a file"
            .to_owned())),
        Way::TooLarge => Some(Err(format!(
            "not copied: {} KB are more than the {} KB a terminal takes (OSC 52); wl-copy, xclip \
             or xsel would, the leader and s save to a file",
            text.len().div_ceil(1_000),
            LIMIT / 1_000
        ))),
    }
}

/// Hands the text to a program.
pub(super) async fn hand(helper: Helper, text: String) -> Result<String, String> {
    let name = helper.program;
    let failed = |why: String| format!("not copied: {name}: {why}");
    let mut child = Command::new(name)
        .args(helper.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let mut input = child.stdin.take();
    let work = async {
        if let Some(input) = &mut input {
            input.write_all(text.as_bytes()).await?;
        }
        drop(input);
        child.wait().await
    };
    match timeout(PATIENCE, work).await {
        Ok(Ok(status)) if status.success() => {
            Ok(format!("copied {} through {name}", amount(&text)))
        }
        Ok(Ok(status)) => Err(failed(status.to_string())),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("it does not take the text".to_owned())),
    }
}

fn amount(text: &str) -> String {
    let characters = text.chars().count();
    match text.lines().count() {
        0 | 1 => format!("{characters} characters"),
        lines => format!("{lines} lines"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XCLIP: Helper = HELPERS[2];

    #[test]
    fn the_way_by_what_there_is() {
        for (bytes, takes, helper, want) in [
            (10, Some(true), None, Way::Terminal),
            (10, Some(true), Some(XCLIP), Way::Terminal),
            (10, None, None, Way::TerminalPerhaps),
            (10, None, Some(XCLIP), Way::Program(XCLIP)),
            (10, Some(false), None, Way::None),
            (10, Some(false), Some(XCLIP), Way::Program(XCLIP)),
            (LIMIT, Some(true), None, Way::Terminal),
            (LIMIT + 1, Some(true), None, Way::TooLarge),
            (LIMIT + 1, None, None, Way::TooLarge),
            (LIMIT + 1, Some(true), Some(XCLIP), Way::Program(XCLIP)),
        ] {
            assert_eq!(way(bytes, takes, helper), want, "{bytes} {takes:?} {helper:?}");
        }
    }

    #[test]
    fn the_program_by_the_session() {
        let all = |_: &str| true;
        for (env, there, want) in [
            (&[][..], "", None),
            (&["DISPLAY"], "xsel", Some("xsel")),
            (&["DISPLAY"], "wl-copy", None),
            (&["WAYLAND_DISPLAY", "DISPLAY"], "wl-copy xclip", Some("wl-copy")),
            (&["WAYLAND_DISPLAY", "DISPLAY"], "xclip", Some("xclip")),
            (&["DISPLAY", "SSH_CONNECTION"], "xclip", None),
            (&["TMUX", "SSH_CONNECTION"], "tmux", Some("tmux")),
        ] {
            let get = |name: &str| env.contains(&name).then_some("x");
            let found =
                helper(get, |program| all(program) && there.split(' ').any(|t| t == program));
            assert_eq!(found.map(|helper| helper.program), want, "{env:?} {there}");
        }
    }

    #[test]
    fn what_is_said() {
        let mut out = Vec::new();
        assert_eq!(
            terminal(Way::Terminal, "héllo", &mut out),
            Some(Ok("copied 5 characters".into()))
        );
        assert_eq!(terminal(Way::Terminal, "a\nb", &mut out), Some(Ok("copied 2 lines".into())));
        assert!(out.starts_with(b"\x1b]52;c;"));
        out.clear();
        let too_large = terminal(Way::TooLarge, &"x".repeat(80_000), &mut out);
        assert!(too_large.unwrap().unwrap_err().contains("80 KB are more than the 74 KB"));
        assert!(out.is_empty());
        assert_eq!(terminal(Way::Program(XCLIP), "x", &mut out), None);
    }
}
