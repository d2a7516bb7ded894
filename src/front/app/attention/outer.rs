//! What the outer terminal understands, by its name in the environment or in its own words.

/// How a terminal is asked to notify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notifies {
    /// `OSC 9 ; text`.
    Osc9,
    /// `OSC 777 ; notify ; title ; text`.
    Osc777,
    /// `OSC 99 ; … ; text`, kitty's.
    Osc99,
    /// It cannot be asked.
    Never,
}

/// What the outer terminal understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// How it is asked to notify.
    pub notifies: Notifies,
    /// Whether it shows progress (OSC 9;4). Where it does not, the sequence may pop up as a
    /// notification, so it is sent to those that are known to.
    pub progress: bool,
    /// Whether it takes a clipboard (OSC 52); `None`: not known.
    pub clipboard: Option<bool>,
    /// Whether it reports its focus for certain.
    pub reports_focus: bool,
}

/// One row: its names, and from which version it shows progress.
struct Row {
    /// What `TERM_PROGRAM`, or XTVERSION up to the version, is; in lower case.
    names: &'static [&'static str],
    notifies: Notifies,
    progress: Since,
    clipboard: Option<bool>,
}

/// From which version on.
enum Since {
    Never,
    Always,
    Version(u32, u32, u32),
}

const fn row(
    names: &'static [&'static str],
    notifies: Notifies,
    progress: Since,
    clipboard: Option<bool>,
) -> Row {
    Row { names, notifies, progress, clipboard }
}

/// The terminals that are known, by the documentation of each. What is not in the table is asked
/// in the oldest form (OSC 9), which others ignore.
const TABLE: [Row; 17] = [
    row(&["iterm.app", "iterm2"], Notifies::Osc9, Since::Version(3, 6, 6), Some(true)),
    row(&["kitty"], Notifies::Osc99, Since::Version(0, 42, 0), Some(true)),
    row(&["ghostty"], Notifies::Osc777, Since::Version(1, 2, 0), Some(true)),
    row(&["wezterm"], Notifies::Osc777, Since::Version(20_250_209, 0, 0), Some(true)),
    row(&["foot"], Notifies::Osc777, Since::Never, Some(true)),
    row(&["contour"], Notifies::Osc777, Since::Never, Some(true)),
    row(&["windows-terminal"], Notifies::Never, Since::Always, Some(true)),
    row(&["conemu"], Notifies::Never, Since::Always, None),
    row(&["vscode"], Notifies::Never, Since::Always, Some(true)),
    row(&["vte"], Notifies::Osc777, Since::Version(0, 80, 0), Some(false)),
    row(&["konsole"], Notifies::Osc777, Since::Never, None),
    row(&["alacritty"], Notifies::Never, Since::Never, Some(true)),
    row(&["rio"], Notifies::Never, Since::Never, Some(true)),
    row(&["mintty"], Notifies::Never, Since::Always, Some(true)),
    row(&["apple_terminal"], Notifies::Never, Since::Never, Some(false)),
    // What stands between: a notification does not get through them, a bell does.
    row(&["tmux"], Notifies::Never, Since::Never, Some(true)),
    row(&["screen", "linux", "dumb"], Notifies::Never, Since::Never, Some(false)),
];

/// Those that may or may not hand the focus on.
const NO_FOCUS: [&str; 4] = ["tmux", "screen", "linux", "dumb"];

impl Abilities {
    /// By the environment.
    #[must_use]
    pub fn of_environment<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let (name, version) = named(&get);
        Self::of(&name, &version)
    }

    /// By what the terminal itself answers to XTVERSION: `ghostty 1.2.0`, `kitty(0.42.1)`,
    /// `WezTerm 20240203-110809-5046fc22`, `VTE(8000)`, `XTerm(390)`; `None` when that names
    /// none that is known.
    #[must_use]
    pub fn of_xtversion(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (name, version) = match text.split_once(['(', ' ']) {
            Some((name, version)) => (name.to_owned(), version.trim_end_matches(')').to_owned()),
            None => (text, String::new()),
        };
        let version = if name == "vte" { vte(&version) } else { version };
        find(&name).map(|_| Self::of(&name, &version))
    }

    fn of(name: &str, version: &str) -> Self {
        let reports_focus = !NO_FOCUS.contains(&name);
        let Some(row) = find(name) else {
            return Self {
                notifies: Notifies::Osc9,
                progress: false,
                clipboard: None,
                reports_focus,
            };
        };
        let progress = match row.progress {
            Since::Never => false,
            Since::Always => true,
            Since::Version(major, minor, patch) => {
                numbers(version).is_some_and(|found| found >= [major, minor, patch])
            }
        };
        Self { notifies: row.notifies, progress, clipboard: row.clipboard, reports_focus }
    }
}

fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.names.contains(&name))
}

/// The terminal's name and version as its environment tells them, the nearest one first.
fn named<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> (String, String) {
    let has = |name: &str| get(name).is_some_and(|value| !value.is_empty());
    let plain = |name: &str| (name.to_owned(), String::new());
    let term = get("TERM").unwrap_or_default();
    if has("TMUX") {
        return plain("tmux");
    }
    if has("STY") {
        return plain("screen");
    }
    let version = get("TERM_PROGRAM_VERSION").unwrap_or_default().to_owned();
    if let Some(program) = get("TERM_PROGRAM").filter(|program| !program.is_empty()) {
        return (program.to_ascii_lowercase(), version);
    }
    if let Some(version) = get("VTE_VERSION").filter(|version| !version.is_empty()) {
        return ("vte".to_owned(), vte(version));
    }
    for (variable, name) in [
        ("KITTY_WINDOW_ID", "kitty"),
        ("WEZTERM_PANE", "wezterm"),
        ("GHOSTTY_RESOURCES_DIR", "ghostty"),
        ("WT_SESSION", "windows-terminal"),
        ("ConEmuPID", "conemu"),
        ("KONSOLE_VERSION", "konsole"),
        ("ALACRITTY_WINDOW_ID", "alacritty"),
    ] {
        if has(variable) {
            return plain(name);
        }
    }
    if let Some(name) = get("LC_TERMINAL").filter(|name| !name.is_empty()) {
        let version = get("LC_TERMINAL_VERSION").unwrap_or_default().to_owned();
        return (name.to_ascii_lowercase(), version);
    }
    // Over ssh the name of the terminfo entry is all that is left.
    let base = term.strip_prefix("xterm-").unwrap_or(term);
    let base = base.split(['-', '.']).next().unwrap_or(base);
    plain(&base.to_ascii_lowercase())
}

/// VTE's version is one number: 8001 is 0.80.1.
fn vte(version: &str) -> String {
    version.trim().parse::<u32>().map_or_else(
        |_| version.to_owned(),
        |n| format!("{}.{}.{}", n / 10_000, n / 100 % 100, n % 100),
    )
}

/// The first three numbers of a version.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map_while(|part| part.parse::<u32>().ok());
    Some([parts.next()?, parts.next().unwrap_or(0), parts.next().unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(env: &[(&str, &str)]) -> Abilities {
        let get = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, v)| *v);
        Abilities::of_environment(get)
    }

    #[test]
    fn by_the_environment() {
        use Notifies::{Never, Osc9, Osc99, Osc777};
        let iterm =
            |v: &'static str| vec![("TERM_PROGRAM", "iTerm.app"), ("TERM_PROGRAM_VERSION", v)];
        let ghostty =
            |v: &'static str| vec![("TERM_PROGRAM", "ghostty"), ("TERM_PROGRAM_VERSION", v)];
        type Case<'a> = (Vec<(&'a str, &'a str)>, Notifies, bool, Option<bool>, bool);
        let table: Vec<Case<'_>> = vec![
            (vec![], Osc9, false, None, true),
            (vec![("TERM", "xterm-256color")], Osc9, false, None, true),
            (vec![("TERM", "xterm-kitty")], Osc99, false, Some(true), true),
            (vec![("TERM", "xterm-ghostty")], Osc777, false, Some(true), true),
            (vec![("TERM", "foot-extra")], Osc777, false, Some(true), true),
            (vec![("TERM", "linux")], Never, false, Some(false), false),
            (vec![("TERM", "screen.xterm-256color")], Never, false, Some(false), false),
            (vec![("TERM", "tmux-256color")], Never, false, Some(true), false),
            (vec![("KITTY_WINDOW_ID", "1")], Osc99, false, Some(true), true),
            (iterm("3.6.6"), Osc9, true, Some(true), true),
            (iterm("3.5.14"), Osc9, false, Some(true), true),
            (ghostty("1.2.0"), Osc777, true, Some(true), true),
            (ghostty("1.1.3"), Osc777, false, Some(true), true),
            (vec![("WT_SESSION", "x")], Never, true, Some(true), true),
            (vec![("VTE_VERSION", "8001")], Osc777, true, Some(false), true),
            (vec![("VTE_VERSION", "7600")], Osc777, false, Some(false), true),
            (vec![("TERM_PROGRAM", "vscode")], Never, true, Some(true), true),
            (vec![("TERM_PROGRAM", "Apple_Terminal")], Never, false, Some(false), true),
            (vec![("TERM_PROGRAM", "tmux"), ("TMUX", "/x")], Never, false, Some(true), false),
            (vec![("TMUX", "/x"), ("KITTY_WINDOW_ID", "1")], Never, false, Some(true), false),
            (vec![("LC_TERMINAL", "iTerm2")], Osc9, false, Some(true), true),
            (vec![("ALACRITTY_WINDOW_ID", "1")], Never, false, Some(true), true),
        ];
        for (env, notifies, progress, clipboard, reports_focus) in table {
            let want = Abilities { notifies, progress, clipboard, reports_focus };
            assert_eq!(of(&env), want, "{env:?}");
        }
    }

    #[test]
    fn by_its_own_words() {
        for (text, notifies, progress) in [
            ("kitty(0.42.1)", Notifies::Osc99, true),
            ("kitty(0.35.2)", Notifies::Osc99, false),
            ("ghostty 1.2.0", Notifies::Osc777, true),
            ("WezTerm 20240203-110809-5046fc22", Notifies::Osc777, false),
            ("WezTerm 20250301-1", Notifies::Osc777, true),
            ("iTerm2 3.6.6", Notifies::Osc9, true),
            ("VTE(8001)", Notifies::Osc777, true),
            ("tmux 3.4", Notifies::Never, false),
        ] {
            let found = Abilities::of_xtversion(text).unwrap();
            assert_eq!((found.notifies, found.progress), (notifies, progress), "{text}");
        }
        for text in ["", "XTerm(390)", "something new"] {
            assert_eq!(Abilities::of_xtversion(text), None, "{text}");
        }
    }
}
