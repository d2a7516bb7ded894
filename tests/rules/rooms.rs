//! The rules of the house: who may know whom, and which rooms touch nothing outside.

use super::source::{code, paths, without_tests};

/// The rooms of `src/`, and what each may name of the others.
const MAY_KNOW: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("protocol", &["domain"]),
    ("config", &["domain"]),
    ("engine", &["protocol", "domain"]),
    ("front", &["protocol", "domain"]),
    ("commands", &["cli", "config", "engine", "front", "protocol", "domain"]),
    ("cli", &["commands", "config", "domain"]),
];

/// Rooms without I/O, clock or runtime; a path prefix each.
const PURE: [&str; 10] = [
    "domain/",
    "protocol/",
    "engine/metrics/",
    "engine/window/",
    "engine/proxy/rules",
    "engine/proxy/sse",
    "front/app/",
    "front/ui/",
    "front/input/",
    "front/theme/",
];

/// What a pure room may not name.
const EFFECTS: [&[&str]; 11] = [
    &["tokio"],
    &["reqwest"],
    &["hyper"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "env"],
    &["nix"],
    &["Instant", "now"],
    &["SystemTime"],
];

/// Addresses are values, whatever module they live in.
const PLAIN_VALUES: [&str; 5] = ["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr", "AddrParseError"];

/// Everything that is wrong with one file; `path` is relative to `src/`.
pub fn check(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !text.starts_with("//!") {
        wrong.push(format!("{path}: does not open with a //! sentence"));
    }
    let code = code(text);
    let all = paths(&code);
    let room = path.split(['/', '.']).next().unwrap_or_default();
    if let Some((_, known)) = MAY_KNOW.iter().find(|(name, _)| *name == room) {
        for other in all.iter().filter_map(|p| room_named(path, p)) {
            let is_room = MAY_KNOW.iter().any(|(name, _)| *name == other);
            if is_room && other != room && !known.contains(&other) {
                wrong.push(format!("{path}: {room} may not know {other}"));
            }
        }
    }
    let test_file = path.ends_with("tests.rs") || path.contains("/tests/");
    if PURE.iter().any(|prefix| path.starts_with(prefix)) && !test_file {
        for path_named in paths(without_tests(&code)) {
            if let Some(effect) = effect(&path_named) {
                wrong.push(format!("{path}: a pure room names {}", effect.join("::")));
            }
        }
    }
    let first_is = |name: &str| all.iter().any(|p| p.first().is_some_and(|first| first == name));
    if first_is("alacritty_terminal") && !path.starts_with("front/terminal") {
        wrong.push(format!("{path}: only front/terminal may name alacritty_terminal"));
    }
    let sys = path.ends_with("/sys.rs")
        && (path.starts_with("engine/sandbox/") || path.starts_with("engine/pty"));
    if first_is("unsafe") && !sys {
        wrong.push(format!("{path}: unsafe outside the sys files of sandbox and pty"));
    }
    wrong.dedup();
    wrong
}

/// The room a path leads to, when it starts at the crate's root.
fn room_named<'a>(file: &str, path: &'a [String]) -> Option<&'a str> {
    if path.first()? == "crate" {
        return path.get(1).map(String::as_str);
    }
    let up = path.iter().take_while(|part| *part == "super").count();
    let depth = file.split('/').filter(|part| *part != "mod.rs").count();
    if up > 0 && up >= depth { path.get(up).map(String::as_str) } else { None }
}

fn effect(path: &[String]) -> Option<&'static [&'static str]> {
    if path.last().is_some_and(|last| PLAIN_VALUES.contains(&last.as_str())) {
        return None;
    }
    EFFECTS.into_iter().find(|effect| {
        // A crate or std counts at the start of a path, a type anywhere in it.
        let anywhere = effect[0].starts_with(char::is_uppercase);
        let matches = |part: &[String]| part.iter().zip(*effect).all(|(a, b)| a == b);
        let mut windows = path.windows(effect.len());
        if anywhere { windows.any(matches) } else { windows.next().is_some_and(matches) }
    })
}
