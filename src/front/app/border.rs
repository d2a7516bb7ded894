//! What Claude Code asks of the world beyond its pane, and the user's answers.

use std::{path::PathBuf, time::Duration};

use crate::{
    domain::{ClipboardPolicy, Moment},
    front::terminal::{Flood, LinkWay, TerminalEvent, link_way},
    protocol::NoticeLevel,
};

use super::{Ask, Dialog, Effect, Model, Overlay, action};

/// A question that comes up while somebody types is not to be answered by that typing.
const DEAF: Duration = Duration::from_millis(700);
/// Characters of a text that a question shows.
const SHOWN: usize = 60;

/// The border as the user set it, and what waits at it.
#[derive(Debug, Clone, Default)]
pub struct Border {
    /// Who may write the clipboard.
    pub clipboard: ClipboardPolicy,
    /// The project's folder, absolute and without links: its files may be opened.
    pub project: PathBuf,
    flood: Flood,
    /// A text that waits for the user's word.
    text: Option<String>,
    /// A link that waits for it.
    link: Option<LinkWay>,
    /// When the question came up.
    asked: Moment,
}

impl Border {
    /// The border of a project.
    #[must_use]
    pub fn new(clipboard: ClipboardPolicy, project: PathBuf) -> Self {
        Self { clipboard, project, ..Self::default() }
    }

    /// Whether an event may go on at all, by how many there were.
    pub(super) fn allows(&mut self, event: &TerminalEvent, now: Moment) -> bool {
        self.flood.allows(event, now)
    }

    /// Whether keys are still meant for what was there before the question.
    pub(super) fn is_deaf(&self, now: Moment) -> bool {
        now.since(self.asked) < DEAF
    }

    /// What is asked, in one sentence a line.
    pub(super) fn body(&self, ask: Ask) -> Vec<String> {
        match ask {
            Ask::Clipboard => {
                let text = self.text.as_deref().unwrap_or_default();
                let shown: String = text.chars().map(visible).take(SHOWN).collect();
                let more = if text.chars().count() > SHOWN { "…" } else { "" };
                vec![
                    format!(
                        "Claude Code, or what it runs, wants to put {} characters into your \
                         clipboard:",
                        text.chars().count()
                    ),
                    format!("{shown}{more}"),
                ]
            }
            Ask::Link => match &self.link {
                Some(LinkWay::Web(address)) => vec![
                    format!("Open {} in your browser?", middle(address)),
                    "The browser is outside the sandbox: the address, and what is hidden in it, \
                     goes to that host."
                        .to_owned(),
                ],
                Some(LinkWay::File(path)) => {
                    vec![format!("Open {} with its program?", middle(&path.display().to_string()))]
                }
                Some(LinkWay::Refused(_)) | None => Vec::new(),
            },
            Ask::Compact | Ask::Fresh | Ask::Handover | Ask::Quit => Vec::new(),
        }
    }
}

/// A text for the clipboard, from Claude Code's own hand (OSC 52).
pub(super) fn clipboard(model: &mut Model, text: String, effects: &mut Vec<Effect>) {
    match model.border.clipboard {
        ClipboardPolicy::Allow => effects.push(Effect::Clipboard(text)),
        ClipboardPolicy::Never => {
            let said =
                "Claude Code wanted to write the clipboard: clipboard = \"never\"".to_owned();
            action::tell(model, NoticeLevel::Info, said);
            effects.push(Effect::Redraw);
        }
        ClipboardPolicy::Ask => {
            model.border.text = Some(text);
            ask(model, Ask::Clipboard, effects);
        }
    }
}

/// A click on a link of the pane.
pub(super) fn link(model: &mut Model, address: &str, effects: &mut Vec<Effect>) {
    match link_way(address, &model.border.project) {
        LinkWay::Refused(why) => {
            let text = format!("link not opened, {why}: {}", middle(address));
            action::tell(model, NoticeLevel::Warning, text);
        }
        way @ (LinkWay::Web(_) | LinkWay::File(_)) => {
            model.border.link = Some(way);
            ask(model, Ask::Link, effects);
        }
    }
    effects.push(Effect::Redraw);
}

/// The user said yes to what waits.
pub(super) fn granted(model: &mut Model, ask: Ask, effects: &mut Vec<Effect>) {
    match ask {
        Ask::Clipboard => effects.extend(model.border.text.take().map(Effect::Clipboard)),
        Ask::Link => effects.extend(model.border.link.take().map(Effect::Open)),
        Ask::Compact | Ask::Fresh | Ask::Handover | Ask::Quit => {}
    }
}

/// Asks, unless the user is being asked something else: that question is not pushed away.
fn ask(model: &mut Model, wanted: Ask, effects: &mut Vec<Effect>) {
    let other = model.overlays.iter().any(|overlay| match overlay {
        Overlay::Dialog(Dialog { ask, .. }) => *ask != wanted,
        Overlay::Help(_)
        | Overlay::Log(_)
        | Overlay::Composer(_)
        | Overlay::Zoom(_)
        | Overlay::Explain(_)
        | Overlay::Palette(_) => false,
    });
    if other {
        let text = "Claude Code wanted something while a question was open: not done".to_owned();
        action::tell(model, NoticeLevel::Info, text);
    } else {
        model.border.asked = model.now;
        action::ask(model, wanted);
    }
    effects.push(Effect::Redraw);
}

/// A control character as a sign, so that a text shows all that is in it.
fn visible(c: char) -> char {
    match c {
        '\n' => '⏎',
        '\t' => '→',
        c if c.is_control() => '·',
        c => c,
    }
}

/// A long address without its middle: host and end are what tells.
fn middle(text: &str) -> String {
    let chars: Vec<char> = text.chars().map(visible).collect();
    if chars.len() <= 2 * SHOWN {
        return chars.into_iter().collect();
    }
    let (start, end) = chars.split_at(chars.len() - SHOWN);
    start.iter().take(SHOWN).chain(&['…']).chain(end).collect()
}
