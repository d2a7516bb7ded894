//! F1 on a pane: what it is, what is good, what to do, and how it stands now.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    domain::{Risk, units},
    front::{
        app::{Model, PaneId, centred},
        theme::{Role, Theme},
    },
    protocol::Snapshot,
};

use super::{
    sandbox,
    text::{Pen, boxed, lines},
};

/// Columns of the box at most.
const COLS: u16 = 74;

/// The words about one pane.
pub(super) struct Words {
    /// What it is.
    pub(super) is: &'static str,
    /// What is good.
    pub(super) good: &'static str,
    /// What to do when it is not.
    pub(super) act: &'static str,
}

/// What each pane tells.
pub(super) const fn words(id: PaneId) -> Words {
    match id {
        PaneId::Prefill => Words {
            is: "How much of the prompt the server has read; the answer starts when all of it \
                 is. ▓ came from the cache, █ was read now. Most of the waiting is here.",
            good: "A long ▓ and a short █: only what is new is read. A rate that stays the same \
                   from turn to turn.",
            act: "A long █ at every turn: look at the cache pane. A falling rate: look at the \
                  server pane for memory and other programs, or shrink the conversation (F2).",
        },
        PaneId::Window => Words {
            is: "What the next request starts from. ▓ system and tools, which stay; █ the \
                 conversation. Zoomed it is the map of the prompt: every section, tool and \
                 message with its tokens.",
            good: "Room for several turns more. Amber: the largest turn seen would not fit. Red: \
                   the next request will not.",
            act: "F2 compacts the conversation, F5 empties it, F6 starts fresh with a note. A \
                  large ▓: profile = \"lean\" has fewer tools. Large tool results: ask for \
                  parts of files.",
        },
        PaneId::Cache => Words {
            is: "The share of the last prompt that did not have to be read again, and of the \
                 whole session's. After a break: at which token, in which part, why.",
            good: "Near 100 % from the second request on, and no breaks. By turn: every bar high.",
            act: "Do what the line \"fix\" says. Without one: other programs on the same server, \
                  or too little memory for its cache, are the usual reasons.",
        },
        PaneId::Thinking => Words {
            is: "Tokens the model thought in this turn, and turns in which it did so although \
                 thinking is off.",
            good: "0 while it is off: thinking costs time and window.",
            act: "A leak: the server or its template thinks all the same. docs/BACKENDS.md has \
                  the switch of each server; thinking_limit stops it early.",
        },
        PaneId::Time => Words {
            is: "Where the session's time went: reading prompts, writing answers, running tools, \
                 waiting for you. The shares sum up to 100 %.",
            good: "More writing than reading.",
            act: "Much reading: the cache pane tells whether it is needed. Much writing: the \
                  model is slow or talks a lot.",
        },
        PaneId::Timeline => Words {
            is: "The last turns, the newest on top: █ reading, ▒ writing, ░ tools, ╍ compacting, \
                 as long as they took. ▼ the cache broke, ◆ compacted, × given up.",
            good: "Short █ in every turn but the first.",
            act: "Enter or a click opens it large; there each turn has its tokens, tools and \
                  breaks.",
        },
        PaneId::Noise => Words {
            is: "Requests without effect on the work that lcc answered itself or that nobody \
                 knows, by path.",
            good: "Any number: they cost nothing here.",
            act: "Nothing.",
        },
        PaneId::Server => Words {
            is: "The model server, its memory, and the machine's.",
            good: "Healthy, memory below 90 %, no swap that grows.",
            act: "Over 90 % the machine swaps and reading becomes many times slower: close other \
                  programs, or serve a smaller window, KV type or model. Lost: start it again; \
                  the request in flight is tried again.",
        },
        PaneId::Sandbox => Words {
            is: "What holds Claude Code in, and how many of the escapes tried at the start were \
                 blocked.",
            good: "All of them, and the strict tier.",
            act: "Anything else is red or amber: lcc doctor says what is missing on this machine. \
                  lcc sandbox check tries all escapes again.",
        },
    }
}

/// How the pane stands now, in words that need no colour.
fn now(id: PaneId, snapshot: &Snapshot) -> (Role, String) {
    let plain = |text: String| (Role::Text, text);
    match id {
        PaneId::Prefill => match (snapshot.prefill.eta_s, &snapshot.prefill.last) {
            (Some(s), _) => plain(format!("the answer in about {}", units::seconds(s))),
            (None, Some(last)) => {
                plain(format!("the last prompt took {}", units::seconds(last.seconds)))
            }
            (None, None) => plain("no prompt read yet".to_owned()),
        },
        PaneId::Window => {
            let left = snapshot.forecast.turns_left;
            let left = left.map_or_else(String::new, |n| format!(", about {n} turns left"));
            match snapshot.forecast.risk {
                Risk::None => (Role::Good, format!("good{left}")),
                Risk::Near => (Role::Warn, format!("near the limit{left}")),
                Risk::Now => (Role::Alert, format!("at the limit{left}")),
            }
        }
        PaneId::Cache => match (snapshot.cache.last_ratio, snapshot.cache.breaks) {
            (None, _) => plain("nothing known yet".to_owned()),
            (Some(_), 0) => (Role::Good, "good, no breaks".to_owned()),
            (Some(_), 1) => (Role::Warn, "broke once".to_owned()),
            (Some(_), n) => (Role::Warn, format!("broke {} times", units::count(n))),
        },
        PaneId::Thinking => match (snapshot.thinking.off, snapshot.thinking.leaked_turns) {
            (true, 0) => (Role::Good, "off, and holds".to_owned()),
            (true, n) => (Role::Alert, format!("leaked in {} turns", units::count(n))),
            (false, _) => plain("on".to_owned()),
        },
        PaneId::Time => {
            let (read, write) = (snapshot.time.prefill_s, snapshot.time.generate_s);
            match (read > 0.0, read > write * 2.0) {
                (false, _) => plain("nothing read yet".to_owned()),
                (true, true) => (Role::Warn, "more than twice as much reading as writing".into()),
                (true, false) => (Role::Good, "good".to_owned()),
            }
        }
        PaneId::Timeline => plain(format!("{} turns kept", snapshot.timeline.len())),
        PaneId::Noise => plain(format!("{} so far", units::count(snapshot.noise.total))),
        PaneId::Server => match (snapshot.server.healthy, snapshot.server.memory_percent) {
            (Some(false), _) => (Role::Alert, "does not answer".to_owned()),
            (Some(true), Some(m)) if m >= 90.0 => {
                (Role::Warn, format!("healthy, but memory is {m:.0} % full"))
            }
            (Some(true), _) => (Role::Good, "healthy".to_owned()),
            (None, _) => plain("not looked at yet".to_owned()),
        },
        PaneId::Sandbox => {
            let (word, tone) = sandbox::state(&snapshot.sandbox);
            (tone, word.to_owned())
        }
    }
}

/// The paragraphs, in lines: how it stands now, and the three answers.
pub(super) fn told(id: PaneId, model: &Model, pen: Pen<'_>) -> Vec<Line<'static>> {
    let Words { is, good, act } = words(id);
    let unknown = Snapshot::default();
    let (role, now) = now(id, model.snapshot.as_deref().unwrap_or(&unknown));
    let mut out = pen.sentence(role, &format!("Now: {now}."));
    for (name, text) in [("What is this?", is), ("What is good?", good), ("What to do?", act)] {
        out.push(Line::default());
        out.push(Line::from(pen.span(Role::Title, name)));
        // A screen reader has no signs: their places in the bars are told in words.
        let text = model.keymap.said(text);
        let text = if model.spoken.is_some() { spell(&text) } else { text };
        out.extend(pen.sentence(Role::Text, &text));
    }
    out
}

/// Signs as words.
fn spell(text: &str) -> String {
    let words = [
        ("█ reading, ▒ writing, ░ tools, ╍ compacting", "reading, writing, tools, compacting"),
        ("▓ came from the cache, █ was read now", "Part came from the cache, part was read now"),
        (
            "▓ system and tools, which stay; █ the conversation",
            "System and tools stay; the conversation moves",
        ),
        ("A long ▓ and a short █", "Much from the cache and little new"),
        ("A long █ at every turn", "Much new at every turn"),
        ("A large ▓", "Large system and tools"),
        ("Short █ in every turn", "Little reading in every turn"),
        (
            "▼ the cache broke, ◆ compacted, × given up",
            "Marks tell a broken cache, a compaction, a turn given up",
        ),
    ];
    words.iter().fold(text.to_owned(), |text, (signs, word)| text.replace(signs, word))
}

pub(super) fn draw(model: &Model, id: PaneId, theme: &Theme, screen: Rect, buf: &mut Buffer) {
    let width = COLS.min(screen.width.saturating_sub(2));
    let pen = Pen { theme, width: usize::from(width.saturating_sub(4)) };
    let mut told = told(id, model, pen);
    let most = screen.height.saturating_sub(1);
    if told.len() + 2 > usize::from(most) {
        // Air goes before words do.
        told.retain(|line| line.width() > 0);
    }
    let height = u16::try_from(told.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = centred(Rect { height: most, ..screen }, width, height.min(most));
    let inner = boxed(area, &format!("{} · Esc", id.name()), Role::Accent, theme, buf);
    lines(inner, &told, buf);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_its_words() {
        for id in PaneId::ALL {
            let Words { is, good, act } = words(id);
            for text in [is, good, act].map(spell) {
                assert!(!text.contains(|c| "█▓▒░╍▼◆×".contains(c)), "{}: {text}", id.name());
            }
        }
    }
}
