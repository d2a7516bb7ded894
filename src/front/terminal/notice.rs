//! Reads the OSCs of the tap: notifications, progress, working directory, prompt marks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::events::{Progress, PromptMark, TerminalEvent, plain_text};

/// Notifications in parts (OSC 99) that may be open at once.
const OPEN_LIMIT: usize = 8;

/// Characters an open part may grow to.
const PART_LIMIT: usize = 4096;

/// The reader; it keeps what OSC 99 sends in parts.
#[derive(Debug, Default)]
pub(super) struct Notices {
    open: Vec<Open>,
}

#[derive(Debug, Default)]
struct Open {
    id: String,
    title: String,
    body: String,
}

impl Notices {
    /// The event of OSC `code` with the text after it, if there is one.
    pub(super) fn read(&mut self, code: u16, text: &[u8]) -> Option<TerminalEvent> {
        let text = String::from_utf8_lossy(text);
        match code {
            7 => Some(TerminalEvent::WorkingDirectory(plain_text(&text))),
            9 => osc_9(&text),
            99 => self.kitty(&text),
            133 => prompt_mark(&text).map(TerminalEvent::PromptMark),
            777 => osc_777(&text),
            // The tap keeps no other.
            _ => None,
        }
    }

    /// OSC 99: `key=value:…;payload`, in parts while `d=0`.
    fn kitty(&mut self, text: &str) -> Option<TerminalEvent> {
        let (metadata, payload) = text.split_once(';')?;
        let (mut id, mut done, mut part, mut encoded) = ("", true, "title", false);
        for (key, value) in metadata.split(':').filter_map(|pair| pair.split_once('=')) {
            match key {
                "i" => id = value,
                "d" => done = value != "0",
                "p" => part = value,
                "e" => encoded = value == "1",
                _ => {}
            }
        }
        let payload = if encoded {
            String::from_utf8(STANDARD.decode(payload).ok()?).ok()?
        } else {
            payload.to_owned()
        };
        let at = self.open.iter().position(|open| open.id == id);
        let mut open = match at {
            Some(at) => self.open.remove(at),
            None => Open { id: id.to_owned(), ..Open::default() },
        };
        let target = match part {
            "title" => Some(&mut open.title),
            "body" => Some(&mut open.body),
            // Icons, buttons, queries: nothing to show.
            _ => None,
        };
        if let Some(target) = target {
            let room = PART_LIMIT.saturating_sub(target.chars().count());
            target.extend(payload.chars().take(room));
        }
        if !done {
            if self.open.len() >= OPEN_LIMIT {
                self.open.remove(0);
            }
            self.open.push(open);
            return None;
        }
        // A title alone is the whole message, as the protocol's plain form sends it.
        match (open.title.is_empty(), open.body.is_empty()) {
            (true, true) => None,
            (false, true) => notification(None, &open.title),
            (true, false) => notification(None, &open.body),
            (false, false) => notification(Some(&open.title), &open.body),
        }
    }
}

fn notification(title: Option<&str>, body: &str) -> Option<TerminalEvent> {
    let title = title.map(plain_text).filter(|title| !title.is_empty());
    Some(TerminalEvent::Notification { title, body: plain_text(body) })
}

/// OSC 9: a notification, or one of ConEmu's numbered commands, of which 4 is progress.
fn osc_9(text: &str) -> Option<TerminalEvent> {
    let mut parts = text.splitn(3, ';');
    let first = parts.next()?;
    match (first.parse::<u8>(), parts.next()) {
        (Ok(4), Some(state)) => {
            progress(state, parts.next().unwrap_or("")).map(TerminalEvent::Progress)
        }
        (Ok(1..=12), Some(_)) => None,
        _ if text.is_empty() => None,
        _ => notification(None, text),
    }
}

fn progress(state: &str, percent: &str) -> Option<Progress> {
    let percent = percent.parse::<u8>().unwrap_or(0).min(100);
    match state {
        "0" => Some(Progress::Off),
        "1" => Some(Progress::Percent(percent)),
        "2" => Some(Progress::Failed(percent)),
        "3" => Some(Progress::Busy),
        "4" => Some(Progress::Paused(percent)),
        _ => None,
    }
}

/// OSC 777: `notify;title;body`.
fn osc_777(text: &str) -> Option<TerminalEvent> {
    let rest = text.strip_prefix("notify;")?;
    match rest.split_once(';') {
        Some((title, body)) => notification(Some(title), body),
        None => notification(None, rest),
    }
}

fn prompt_mark(text: &str) -> Option<PromptMark> {
    let mut parts = text.split(';');
    match parts.next()? {
        "A" => Some(PromptMark::PromptStart),
        "B" => Some(PromptMark::CommandStart),
        "C" => Some(PromptMark::OutputStart),
        "D" => Some(PromptMark::CommandEnd(parts.next().and_then(|code| code.parse().ok()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(title: Option<&str>, body: &str) -> Option<TerminalEvent> {
        Some(TerminalEvent::Notification { title: title.map(str::to_owned), body: body.to_owned() })
    }

    #[test]
    fn every_form_of_notification_and_progress() {
        let progress = |p| Some(TerminalEvent::Progress(p));
        let table: [(u16, &str, Option<TerminalEvent>); 20] = [
            (9, "done", note(None, "done")),
            (9, "a;b", note(None, "a;b")),
            (9, "", None),
            (9, "4 files;ready", note(None, "4 files;ready")),
            (9, "4;0;", progress(Progress::Off)),
            (9, "4;0", progress(Progress::Off)),
            (9, "4;1;42", progress(Progress::Percent(42))),
            (9, "4;1;240", progress(Progress::Percent(100))),
            (9, "4;2;7", progress(Progress::Failed(7))),
            (9, "4;3;", progress(Progress::Busy)),
            (9, "4;4;9", progress(Progress::Paused(9))),
            (9, "4;8;9", None),
            (9, "9;/somewhere", None),
            (777, "notify;Title;Body;more", note(Some("Title"), "Body;more")),
            (777, "other;x", None),
            (99, ";hello", note(None, "hello")),
            (99, "i=1:p=body;hello\u{7}", note(None, "hello")),
            (99, "e=1;aGk=", note(None, "hi")),
            (99, "p=?;", None),
            (133, "D;1", Some(TerminalEvent::PromptMark(PromptMark::CommandEnd(Some(1))))),
        ];
        for (code, text, want) in table {
            assert_eq!(Notices::default().read(code, text.as_bytes()), want, "OSC {code};{text}");
        }
    }

    #[test]
    fn a_notification_in_parts_comes_out_once() {
        let mut notices = Notices::default();
        assert_eq!(notices.read(99, b"i=7:d=0:p=title;Claude "), None);
        assert_eq!(notices.read(99, b"i=7:d=0:p=title;Code"), None);
        assert_eq!(notices.read(99, b"i=7:d=1:p=body;waits"), note(Some("Claude Code"), "waits"));
        assert_eq!(notices.read(99, b"i=7:d=1:p=body;"), None, "nothing of the first is left");
    }

    #[test]
    fn parts_that_never_end_do_not_pile_up() {
        let mut notices = Notices::default();
        for i in 0..1000 {
            notices.read(99, format!("i={i}:d=0;{}", "x".repeat(6000)).as_bytes());
        }
        assert_eq!(notices.open.len(), OPEN_LIMIT);
        assert!(notices.open.iter().all(|open| open.title.len() == PART_LIMIT));
    }
}
