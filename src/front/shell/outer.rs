//! The terminal lcc was started in: taken over whole, given back as it was.

use std::{
    io::{self, Write},
    panic::{self, PanicHookInfo},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use crossterm::{
    cursor::{Hide, SetCursorStyle, Show},
    event::{
        DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
        EnableFocusChange, EnableMouseCapture, KeyboardEnhancementFlags,
        PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
    },
    execute,
    terminal::{
        EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};

use crate::front::terminal::Progress;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Titles and notifications longer than this are cut.
const TEXT_CHARS: usize = 256;
/// Save the window's title on the terminal's stack, and take it back (XTWINOPS 22 and 23).
const SAVE_TITLE: &str = "\x1b[22;2t";
const RESTORE_TITLE: &str = "\x1b[23;2t";

/// The guard: as long as it lives, the terminal is lcc's. Dropping it, a panic anywhere and
/// [`Outer::leave`] give it back, once.
pub(super) struct Outer {
    taken: Arc<AtomicBool>,
    previous: Arc<Hook>,
}

impl Outer {
    /// Raw mode, the alternate screen, pastes in brackets, focus, mouse, distinct keys.
    pub(super) fn enter() -> io::Result<Self> {
        let taken = Arc::new(AtomicBool::new(true));
        let previous: Arc<Hook> = Arc::new(panic::take_hook());
        let (flag, chained) = (Arc::clone(&taken), Arc::clone(&previous));
        panic::set_hook(Box::new(move |info| {
            // First the terminal, so that the message lands on the screen the user will see.
            give_back_quietly(&flag);
            chained(info);
        }));
        // From here on the guard undoes whatever has been done.
        let outer = Self { taken, previous };
        outer.take()?;
        Ok(outer)
    }

    /// Gives the terminal back for a while.
    pub(super) fn pause(&self) -> io::Result<()> {
        give_back(&self.taken)
    }

    /// Takes it again.
    pub(super) fn resume(&self) -> io::Result<()> {
        self.taken.store(true, Ordering::SeqCst);
        self.take()
    }

    fn take(&self) -> io::Result<()> {
        enable_raw_mode()?;
        let mut stdout = io::stdout();
        write!(stdout, "{SAVE_TITLE}")?;
        execute!(
            stdout,
            EnterAlternateScreen,
            Hide,
            EnableBracketedPaste,
            EnableFocusChange,
            EnableMouseCapture,
            // Terminals without kitty's protocol ignore this; asking first would cost a round
            // trip before the first frame, two seconds where nobody answers.
            PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES),
        )
    }

    /// Whether the terminal has been given back already, by a panic in some thread.
    pub(super) fn is_left(&self) -> bool {
        !self.taken.load(Ordering::SeqCst)
    }

    /// Gives the terminal back.
    pub(super) fn leave(self) -> io::Result<()> {
        give_back(&self.taken)
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        give_back_quietly(&self.taken);
        // A hook cannot be changed while a panic is under way; ours does nothing any more.
        if !std::thread::panicking() {
            let previous = Arc::clone(&self.previous);
            panic::set_hook(Box::new(move |info| previous(info)));
        }
    }
}

fn give_back(taken: &AtomicBool) -> io::Result<()> {
    if !taken.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    // The keyboard's stack belongs to the alternate screen: popped before that is left. Raw
    // mode goes last, and goes even when nothing can be written any more.
    let written = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        PopKeyboardEnhancementFlags,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        SetCursorStyle::DefaultUserShape,
        LeaveAlternateScreen,
        Show,
    )
    .and_then(|()| {
        let mut stdout = io::stdout();
        write!(stdout, "{RESTORE_TITLE}")?;
        stdout.flush()
    });
    let cooked = disable_raw_mode();
    written.and(cooked)
}

/// For the ways out that have nobody left to tell.
fn give_back_quietly(taken: &AtomicBool) {
    if let Err(error) = give_back(taken) {
        tracing::warn!(%error, "the terminal could not be given back");
    }
}

/// Whether the terminal takes kinds of underlines and links. Nearly all do, or pass over them;
/// these print what they do not know, or take it for something else.
pub(super) fn is_rich() -> bool {
    let get = |name| std::env::var(name).unwrap_or_default();
    let term = get("TERM");
    !matches!(term.as_str(), "linux" | "dumb" | "" | "cons25")
        && !term.starts_with("vt")
        && get("TERM_PROGRAM") != "Apple_Terminal"
}

/// Sets the window's title.
pub(super) fn set_title(title: &str, out: &mut Vec<u8>) {
    osc("2;", &plain(title), out);
}

/// Has the terminal notify the user (OSC 9).
pub(super) fn notify(text: &str, out: &mut Vec<u8>) {
    osc("9;", &plain(text), out);
}

/// The same as OSC 777, with a title.
pub(super) fn notify_777(text: &str, out: &mut Vec<u8>) {
    osc("777;notify;lcc;", &plain(text), out);
}

/// The same as OSC 99, kitty's, which ends with ST.
pub(super) fn notify_99(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\x1b]99;i=lcc;{}\x1b\\", plain(text)).as_bytes());
}

/// Has the task bar show progress (OSC 9;4): state and percent.
pub(super) fn progress(progress: Progress, out: &mut Vec<u8>) {
    let (state, percent) = match progress {
        Progress::Off => (0, 0),
        Progress::Percent(percent) => (1, percent),
        Progress::Failed(percent) => (2, percent),
        Progress::Busy => (3, 0),
        Progress::Paused(percent) => (4, percent),
    };
    osc("9;4;", &format!("{state};{percent}"), out);
}

/// Puts a text into the terminal's clipboard (OSC 52).
pub(super) fn set_clipboard(text: &str, out: &mut Vec<u8>) {
    osc("52;c;", &BASE64_STANDARD.encode(text), out);
}

fn osc(number: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b]");
    out.extend_from_slice(number.as_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(b'\x07');
}

/// What can be put into a control string: nothing that could end it and start another.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_break_out_of_its_control_string() {
        let mut out = Vec::new();
        set_title("a\x07\x1b]52;c;eA==\x07b\u{9c}", &mut out);
        assert_eq!(out, b"\x1b]2;a]52;c;eA==b\x07");
    }

    #[test]
    fn the_clipboard_takes_any_text() {
        let mut out = Vec::new();
        set_clipboard("é\x07", &mut out);
        assert_eq!(out, b"\x1b]52;c;w6kH\x07");
    }
}
