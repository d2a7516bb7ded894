//! `docs/KEYS.md`, made from the bindings so that it cannot fall behind.

use std::fmt::Write as _;

use crate::front::input::{Action, Keymap};

/// What an action does, in a sentence for the help and the manual.
pub(super) const fn sentence(action: Action) -> &'static str {
    match action {
        Action::Help => "this help, with the notes of the session; Esc closes it, arrows scroll",
        Action::Compact => "compact the conversation; while a turn runs it asks whether to wait",
        Action::Panes => "show or hide the panes",
        Action::Theme => "next theme",
        Action::Fresh => "restart Claude Code with an empty conversation; asks while a turn runs",
        Action::Handover => {
            "note: a fresh session that begins with a short note of this one, made without the \
             model; opens in the composer, Ctrl-S starts, Esc leaves all as it is"
        }
        Action::Compose => {
            "composer: a prompt of several lines with its token cost; Ctrl-S sends it as one \
             paste, ↑ in the first line brings older ones back, @ and Tab complete the project's \
             files, Esc closes and keeps the draft"
        }
        Action::Log => {
            "log: what passed the proxy and what the server wrote; / searches, n and N go on, p \
             pauses, Esc closes"
        }
        Action::Quit => "quit; asks while a turn runs, twice quits at once",
        Action::Arrange => {
            "arrange: the panes take the keys; arrows choose, J and K move, + and - size, < and > \
             widen, d hides, a shows all, 0 resets, Enter zooms, F1 or ? explains, Esc returns; \
             kept for the next time"
        }
        Action::Timeline => {
            "timeline: the last turns with reading, writing and tools as widths, cache breaks and \
             compactions as marks; arrows or a click choose the turn that is told in full"
        }
        Action::Map => {
            "map of the prompt: what fills the window, by section; Enter opens a section down to \
             single tools and messages, ← goes back"
        }
        Action::Palette => {
            "commands: all of them with their keys, found by a few letters; Enter runs one"
        }
        Action::Verbatim => "send the leader key itself to Claude Code",
        Action::Dismiss => "put the alert above the keys away, until it comes anew",
        Action::Search => {
            "search the pane and what is above it while you type; ↑ ↓ and later n N go on, Ctrl-T \
             tells case apart, Ctrl-R takes a regular expression"
        }
        Action::Read => {
            "read: a caret moved as in vi, v V Ctrl-V select, y copies, [ ] go from turn to turn, \
             Esc returns"
        }
        Action::Save => {
            "save the pane and what is above it, or the selection, to a new file; asks its name"
        }
        Action::TurnBack => "where the turn before begins",
        Action::TurnOn => "where the next turn begins",
    }
}

/// How to give the commands other keys.
const OWN: &str = "
## Keys of one's own

The table `[keys]` of the configuration gives a command other keys, by its name above:

```toml
[keys]
compact = [\"f12\", \"leader c\"]
log = \"leader o\"
theme = \"none\"
```

A command that is named has the keys of its line and no others. A key is an F-key, a letter with
Ctrl or Alt (`ctrl-g`, `alt-x`), or `leader` and a character. `lcc config check` says what is wrong,
with the line: a name that no command has, a key that two commands would have, a key that belongs to
typing (letters, Enter, Esc, Ctrl-C, …). A key that Claude Code uses itself can be taken; that it is
lost there is said by `lcc config check` and at the start.
";

/// The text of `docs/KEYS.md`.
#[must_use]
pub fn keys_page() -> String {
    let keymap = Keymap::default();
    let leader = keymap.leader();
    let mut page = String::from(
        "# Keys\n\n<!-- Made from the bindings in src/front/input/keymap.rs; \
         `UPDATE_DOCS=1 cargo test --test ui_keys` writes it anew. -->\n\n",
    );
    let _ = write!(
        page,
        "Every key below is lcc's; all others, Esc and Ctrl-C among them, belong to Claude Code. \
         Where\na terminal or a window manager takes an F-key for itself, the leader and a letter \
         do the same:\npress `{leader}`, let go, press the letter. The leader twice opens the list \
         of all commands.\nAnother leader: `leader` in the configuration.\n\n\
         | key | leader and | name | what it does |\n|---|---|---|---|\n"
    );
    for bound in Keymap::BINDINGS {
        let key = bound.function.map_or_else(|| "–".to_owned(), |f| format!("`F{f}`"));
        let letter = bound.letter.map_or_else(|| leader.to_string(), String::from);
        let does = sentence(bound.action);
        let _ = writeln!(page, "| {key} | `{letter}` | {} | {does} |", bound.label);
    }
    page.push_str(super::search::MANUAL);
    page.push_str(OWN);
    page.push_str(
        "\n## Mouse in the panes\n\nA click on a pane gives it \
         the keys, a second one zooms it, the right button says what it\ntells. Its name can be \
         dragged to another place, the line under a pane and the column's left\nedge to another \
         size; the wheel sizes, too.\n",
    );
    page
}
