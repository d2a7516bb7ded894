//! The messages: system messages become a part of the user's, marks for a cloud's cache go.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Work, opening::Opening, reminder};
use crate::{
    domain::PrefixRule,
    engine::proxy::rules::{
        edits::Edits,
        json::{Fields, with_field, without_field},
    },
};

/// What a mark for a cloud's cache is called.
const MARK: &str = "\"cache_control\"";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    System,
    Other,
}

/// The messages of a request as they are written.
#[derive(Debug)]
pub(super) struct Talk<'a> {
    messages: Vec<(&'a str, Role)>,
}

/// The new content of one message.
#[derive(Debug, Default)]
struct Draft {
    before: Vec<String>,
    /// The whole content anew; `None`: as it was.
    blocks: Option<Vec<String>>,
    after: Vec<String>,
    gone: bool,
    becomes_user: bool,
}

impl<'a> Talk<'a> {
    /// Reads the messages; `None` when they are not written as messages are.
    pub(super) fn read(raw: &'a str) -> Option<Self> {
        let messages: Vec<&'a RawValue> = serde_json::from_str(raw).ok()?;
        let messages = messages.into_iter().map(|m| Some((m.get(), role(m.get())?)));
        Some(Self { messages: messages.collect::<Option<_>>()? })
    }

    /// The place of the first prompt, when the conversation begins with it.
    /// System messages may stand before it only when they become a part of it.
    pub(super) fn opening(&self, work: &Work) -> Option<usize> {
        let first = self.messages.iter().position(|(_, role)| *role != Role::System)?;
        let ahead = first == 0
            || (work.has(PrefixRule::SystemMessages)
                && (0..first).all(|n| self.system_text(n).is_some()));
        (ahead && self.is(first, Role::User)).then_some(first)
    }

    /// Adds what the rules change to `edits`; `moved` is what the first prompt is to end with.
    pub(super) fn edit(
        &self,
        opening: Option<usize>,
        moved: &[String],
        edits: &mut Edits<'a>,
        work: &mut Work,
    ) {
        let mut drafts: Vec<Draft> = Vec::new();
        drafts.resize_with(self.messages.len(), Draft::default);
        if let Some(at) = opening {
            self.open(at, moved, &mut drafts, work);
        }
        // A conversation that does not begin with the user is none of Claude Code's.
        if work.has(PrefixRule::SystemMessages) && opening.is_some() {
            self.merge(&mut drafts, work);
        }
        let mut kept_before = false;
        for (n, ((raw, _), draft)) in self.messages.iter().zip(drafts).enumerate() {
            if draft.gone {
                self.remove(n, kept_before, edits);
                continue;
            }
            kept_before = true;
            if let Some(new) = rewritten(raw, draft, work) {
                edits.replace(raw, new);
            }
        }
    }

    /// Orders the first message and the system messages right behind it.
    fn open(&self, at: usize, moved: &[String], drafts: &mut [Draft], work: &mut Work) {
        let Some(blocks) = self.content(at).and_then(reminder::blocks) else { return };
        let old: Vec<String> = blocks.into_iter().map(Cow::into_owned).collect();
        let mut opening = Opening::default();
        for n in 0..at {
            opening.begin_with(&self.system_text(n).unwrap_or_default(), work);
            gone(drafts, n);
        }
        opening.sort_all(old.clone(), work);
        for n in at + 1..self.messages.len() {
            let Some(text) = self.system_text(n) else { break };
            if !opening.take(&text, work) {
                break;
            }
            gone(drafts, n);
        }
        opening.end_with(moved);
        let (new, rules) = opening.blocks();
        if let Some(draft) = drafts.get_mut(at).filter(|_| new != old) {
            rules.into_iter().for_each(|rule| work.did(rule));
            draft.blocks = Some(new);
        }
    }

    /// Every system message that is left goes to the end of the user's message before it, or to
    /// the start of the one behind it, or becomes a user's message.
    fn merge(&self, drafts: &mut [Draft], work: &mut Work) {
        let mut last: Option<usize> = None;
        let mut waiting: Vec<(usize, String)> = Vec::new();
        for (n, (_, role)) in self.messages.iter().enumerate() {
            if drafts.get(n).is_some_and(|draft| draft.gone) {
                continue;
            }
            match role {
                Role::System => {
                    let Some(text) = self.system_text(n) else {
                        last = Some(n);
                        continue;
                    };
                    let block = reminder::block(&reminder::remind(&text));
                    work.did(PrefixRule::SystemMessages);
                    let before = last.filter(|last| self.is(*last, Role::User));
                    match before.and_then(|before| drafts.get_mut(before)) {
                        Some(draft) if waiting.is_empty() => {
                            draft.after.push(block);
                            gone(drafts, n);
                        }
                        Some(_) | None => waiting.push((n, block)),
                    }
                    continue;
                }
                Role::User => {
                    for (from, block) in waiting.drain(..) {
                        if let Some(draft) = drafts.get_mut(n) {
                            draft.before.push(block);
                        }
                        gone(drafts, from);
                    }
                }
                Role::Other => stand_alone(&mut waiting, drafts),
            }
            last = Some(n);
        }
        stand_alone(&mut waiting, drafts);
    }

    fn is(&self, n: usize, role: Role) -> bool {
        self.messages.get(n).is_some_and(|(_, r)| *r == role)
    }

    fn content(&self, n: usize) -> Option<&'a str> {
        let (raw, _) = self.messages.get(n)?;
        Fields::read(raw)?.get("content")
    }

    /// The text of a system message; `None` when it is another message, or not text alone.
    fn system_text(&self, n: usize) -> Option<String> {
        if !self.is(n, Role::System) {
            return None;
        }
        self.content(n).and_then(reminder::all_text)
    }

    /// Cuts a message out, with the comma that parts it from the ones that stay.
    fn remove(&self, n: usize, kept_before: bool, edits: &mut Edits<'a>) {
        let place = |n: usize| self.messages.get(n).map(|(raw, _)| edits.place(raw));
        let Some(own) = place(n) else { return };
        let range = if kept_before {
            let before = n.checked_sub(1).and_then(place);
            before.map_or(own.start, |before| before.end)..own.end
        } else {
            own.start..place(n + 1).map_or(own.end, |next| next.start)
        };
        edits.cut(range, String::new());
    }
}

fn gone(drafts: &mut [Draft], n: usize) {
    if let Some(draft) = drafts.get_mut(n) {
        draft.gone = true;
    }
}

/// System messages with no user's message beside them: the first becomes one, with all of them.
fn stand_alone(waiting: &mut Vec<(usize, String)>, drafts: &mut [Draft]) {
    let mut waiting = waiting.drain(..);
    let Some((first, block)) = waiting.next() else { return };
    let mut blocks = vec![block];
    for (n, block) in waiting {
        blocks.push(block);
        gone(drafts, n);
    }
    if let Some(draft) = drafts.get_mut(first) {
        draft.blocks = Some(blocks);
        draft.becomes_user = true;
    }
}

/// Tells a message's role without reading all of it, when it is written as Claude Code does.
fn role(raw: &str) -> Option<Role> {
    let of = |name: &str| match name {
        "user" => Role::User,
        "system" => Role::System,
        _ => Role::Other,
    };
    if let Some((name, _)) = raw.strip_prefix(r#"{"role":""#).and_then(|r| r.split_once('"')) {
        return Some(of(name));
    }
    let name: String = serde_json::from_str(Fields::read(raw)?.get("role")?).ok()?;
    Some(of(&name))
}

/// The message as it is to be; `None` when it stays as it is.
fn rewritten(raw: &str, draft: Draft, work: &mut Work) -> Option<String> {
    let Draft { before, blocks, after, becomes_user, .. } = draft;
    let unmark = work.has(PrefixRule::CacheMarks) && raw.contains(MARK);
    let touched = !before.is_empty() || !after.is_empty() || blocks.is_some();
    if !touched && !unmark {
        return None;
    }
    if !touched && let Some(new) = unmarked(raw) {
        work.did(PrefixRule::CacheMarks);
        return Some(new);
    }
    let fields = Fields::read(raw)?;
    let is_user = becomes_user || fields.get("role")? == r#""user""#;
    let content = fields.get("content")?;
    let mut all = before;
    match blocks {
        Some(blocks) => all.extend(blocks),
        None => all.extend(reminder::blocks(content)?.into_iter().map(Cow::into_owned)),
    }
    all.extend(after);
    let mut marked = false;
    if unmark {
        for block in &mut all {
            if block.contains(MARK)
                && let Some(bare) = without_field(block, "cache_control")
            {
                *block = bare;
                marked = true;
            }
        }
    }
    if marked {
        work.did(PrefixRule::CacheMarks);
    } else if !touched {
        return None;
    }
    // As Claude Code writes it from the next request on.
    let plain = match all.as_slice() {
        [only] if is_user && marked => plain(only),
        _ => None,
    };
    let content = plain.unwrap_or_else(|| format!("[{}]", all.join(",")));
    let new = with_field(raw, "content", &content)?;
    if becomes_user { with_field(&new, "role", r#""user""#) } else { Some(new) }
}

/// The text of a block that holds a text and nothing else, as it is written.
fn plain(block: &str) -> Option<String> {
    let fields = Fields::read(block)?;
    let alone = fields.0.len() == 2 && fields.get("type")? == r#""text""#;
    alone.then(|| fields.get("text").map(str::to_owned))?
}

/// A message whose last block ends with the mark, as Claude Code writes it, without reading it.
fn unmarked(raw: &str) -> Option<String> {
    const TAIL: &str = r#","cache_control":{"type":"ephemeral"}}]}"#;
    const ONE_TEXT: &str = r#"{"role":"user","content":[{"type":"text","text":"#;
    let head = raw.strip_suffix(TAIL)?;
    // A border between two fields may be one of the message's own: then the content is not last.
    if !head.starts_with(r#"{"role":""#) || head.contains(MARK) || head.contains(r#"],""#) {
        return None;
    }
    let only = head.strip_prefix(ONE_TEXT).filter(|text| is_string(text));
    Some(only.map_or_else(
        || format!("{head}}}]}}"),
        |text| format!(r#"{{"role":"user","content":{text}}}"#),
    ))
}

/// Whether a text is one JSON string and nothing more.
fn is_string(text: &str) -> bool {
    text.starts_with('"') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
