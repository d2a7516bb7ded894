//! The prompt map: what fills the window, part by part, from the last main request.

use crate::{
    domain::{Part, Piece, PieceKind, RequestId, RequestKind, Section},
    protocol::{FixedFigures, PromptFigures, PromptPart, PromptSection},
};

use super::flight::Counted;

/// Parts that are told one by one; of more the smallest are put together.
const PARTS: usize = 400;

/// The messages of the conversation, as the last main request had them.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    request: Option<RequestId>,
    /// Bytes of each message.
    messages: Vec<(usize, u64)>,
    pieces: Vec<Piece>,
    /// What a compaction left, until the next request tells.
    summary: Option<u64>,
}

/// What the parts share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whole {
    /// Tokens of the prompt.
    pub prompt: Option<Counted>,
    /// Of these, system and tools.
    pub fixed: Option<u64>,
    /// Tokens of the answer to it.
    pub answer: Option<Counted>,
}

impl Map {
    /// A request goes upstream.
    pub(super) fn started(&mut self, request: RequestId, kind: &RequestKind, sections: &[Section]) {
        if *kind != RequestKind::Main {
            return;
        }
        self.request = Some(request);
        self.pieces.clear();
        self.summary = None;
        self.messages.clear();
        self.messages.extend(sections.iter().filter_map(|s| match s.part {
            Part::Message(n) => Some((n, s.bytes)),
            Part::System(_) | Part::Tool(_) => None,
        }));
    }

    /// What its messages hold.
    pub(super) fn looked_into(&mut self, request: RequestId, pieces: &[Piece]) {
        if self.request == Some(request) {
            self.pieces = pieces.to_vec();
        }
    }

    /// The conversation is a summary of so many tokens now; 0: it is empty.
    pub(super) fn shrunk_to(&mut self, tokens: u64) {
        self.request = None;
        self.messages.clear();
        self.pieces.clear();
        self.summary = Some(tokens);
    }

    /// The parts, each with its tokens. `fixed`: system and tools in the order of the prompt.
    pub(super) fn figures(&self, fixed: &[FixedFigures], whole: Whole) -> PromptFigures {
        let mut parts: Vec<PromptPart> = fixed.iter().map(of_fixed).collect();
        let told = parts.iter().try_fold(0_u64, |all, p| Some(all.saturating_add(p.tokens?)));
        // What the template puts around them is no part's own.
        let around = whole.fixed.zip(told).and_then(|(all, told)| all.checked_sub(told));
        if let Some(tokens) = around.filter(|tokens| *tokens > 0) {
            parts.push(of_tokens(PromptSection::Template, "template", tokens, false));
        }
        // Counted one by one they may come to more than counted together; then the messages have
        // what is left of the whole, so that the parts always sum up to it.
        let fixed_tokens = whole.fixed.max(told);
        if let Some(tokens) = self.summary {
            if tokens > 0 {
                parts.push(of_tokens(PromptSection::Summary, "summary", tokens, false));
            }
            let total = fixed_tokens.map(|fixed| fixed.saturating_add(tokens));
            return PromptFigures { total, estimated: true, parts };
        }
        let talk = whole.prompt.zip(fixed_tokens);
        let talk = talk.map(|(all, fixed)| all.tokens.saturating_sub(fixed));
        parts.extend(self.talk(talk));
        if let Some(answer) = whole.answer.filter(|answer| answer.tokens > 0) {
            let counted = !answer.source.is_estimate();
            parts.push(of_tokens(PromptSection::Answers, "last answer", answer.tokens, counted));
        }
        let answer = whole.answer.map_or(0, |answer| answer.tokens);
        PromptFigures {
            total: whole.prompt.map(|all| all.tokens.saturating_add(answer)),
            estimated: whole.prompt.is_some_and(|all| all.source.is_estimate())
                || whole.answer.is_some_and(|all| all.tokens > 0 && all.source.is_estimate()),
            parts: few(parts),
        }
    }

    /// The messages' parts, which share `tokens` by their bytes.
    fn talk(&self, tokens: Option<u64>) -> Vec<PromptPart> {
        let part = |section, at: usize, tool: Option<String>, bytes| PromptPart {
            section,
            part: Part::Message(at).to_string(),
            tool,
            bytes,
            tokens: None,
            counted: false,
        };
        let mut parts: Vec<PromptPart> = if self.pieces.is_empty() {
            let messages = self.messages.iter();
            messages.map(|(at, bytes)| part(PromptSection::Messages, *at, None, *bytes)).collect()
        } else {
            let pieces = self.pieces.iter();
            pieces.map(|p| part(section(p.kind), p.message, p.tool.clone(), p.bytes)).collect()
        };
        // Bytes of a picture say nothing of its tokens.
        let weighs = |p: &PromptPart| p.section != PromptSection::Attachments;
        let bytes =
            parts.iter().filter(|p| weighs(p)).fold(0_u64, |all, p| all.saturating_add(p.bytes));
        for part in parts.iter_mut().filter(|p| weighs(p)) {
            let share = u128::from(tokens.unwrap_or(0)) * u128::from(part.bytes);
            let share = share.checked_div(u128::from(bytes)).and_then(|n| u64::try_from(n).ok());
            part.tokens = tokens.and(share);
        }
        parts
    }
}

const fn section(kind: PieceKind) -> PromptSection {
    match kind {
        PieceKind::Reminder => PromptSection::Reminders,
        PieceKind::Prompt => PromptSection::Prompts,
        PieceKind::Answer => PromptSection::Answers,
        PieceKind::Thinking => PromptSection::Thinking,
        PieceKind::Call => PromptSection::Calls,
        PieceKind::Result => PromptSection::Results,
        PieceKind::Attachment => PromptSection::Attachments,
    }
}

fn of_fixed(figures: &FixedFigures) -> PromptPart {
    let tool = figures.part.strip_prefix("tool ").map(str::to_owned);
    PromptPart {
        section: if tool.is_some() { PromptSection::Tools } else { PromptSection::System },
        part: figures.part.clone(),
        tool,
        bytes: figures.bytes,
        tokens: figures.tokens,
        counted: figures.counted,
    }
}

fn of_tokens(section: PromptSection, part: &str, tokens: u64, counted: bool) -> PromptPart {
    let part = part.to_owned();
    PromptPart { section, part, tool: None, bytes: 0, tokens: Some(tokens), counted }
}

/// Of very many parts the smallest become one a section.
fn few(mut parts: Vec<PromptPart>) -> Vec<PromptPart> {
    if parts.len() <= PARTS {
        return parts;
    }
    let mut weights: Vec<u64> = parts.iter().map(|p| p.bytes).collect();
    weights.sort_unstable_by(|a, b| b.cmp(a));
    let least = weights[PARTS - 1];
    let mut room = PARTS;
    let mut small: Vec<PromptPart> = Vec::new();
    parts.retain(|part| {
        let stays = part.bytes >= least && room > 0;
        if stays {
            room -= 1;
        } else {
            small.push(part.clone());
        }
        stays
    });
    for section in PromptSection::ALL {
        let mut of_it = small.iter().filter(|p| p.section == section).peekable();
        if of_it.peek().is_none() {
            continue;
        }
        let (mut count, mut bytes, mut tokens, mut counted) = (0_u64, 0_u64, Some(0_u64), true);
        for part in of_it {
            count += 1;
            bytes = bytes.saturating_add(part.bytes);
            tokens = tokens.zip(part.tokens).map(|(all, one)| all.saturating_add(one));
            counted &= part.counted;
        }
        let part = format!("{count} small ones");
        parts.push(PromptPart { section, part, tool: None, bytes, tokens, counted });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Source;

    fn main(messages: &[u64]) -> Map {
        let mut map = Map::default();
        let sections: Vec<_> = messages
            .iter()
            .enumerate()
            .map(|(n, bytes)| Section { part: Part::Message(n), bytes: *bytes, digest: 0 })
            .collect();
        map.started(RequestId(1), &RequestKind::Main, &sections);
        map
    }

    fn fixed(part: &str, tokens: u64) -> FixedFigures {
        FixedFigures { part: part.into(), bytes: tokens, tokens: Some(tokens), counted: true }
    }

    fn counted(tokens: u64) -> Option<Counted> {
        Some(Counted::new(tokens, Source::Server))
    }

    fn shown(figures: &PromptFigures) -> Vec<(&'static str, &str, Option<u64>)> {
        figures.parts.iter().map(|p| (p.section.name(), p.part.as_str(), p.tokens)).collect()
    }

    #[test]
    fn parts_sum_up_to_the_whole() {
        let mut map = main(&[100, 300]);
        let piece = |message, kind, tool: Option<&str>, bytes| Piece {
            message,
            kind,
            tool: tool.map(str::to_owned),
            bytes,
        };
        let whole = Whole { prompt: counted(1_000), fixed: Some(600), answer: counted(20) };
        let system = [fixed("system[0]", 200), fixed("tool Read", 380)];
        let got = map.figures(&system, whole);
        assert_eq!(
            shown(&got),
            [
                ("system prompt", "system[0]", Some(200)),
                ("tool descriptions", "tool Read", Some(380)),
                ("template", "template", Some(20)),
                ("messages", "messages[0]", Some(100)),
                ("messages", "messages[1]", Some(300)),
                ("answers", "last answer", Some(20)),
            ]
        );
        assert_eq!((got.total, got.estimated), (Some(1_020), false));
        map.looked_into(RequestId(2), &[]);
        map.looked_into(
            RequestId(1),
            &[
                piece(0, PieceKind::Prompt, None, 100),
                piece(1, PieceKind::Result, Some("Read"), 300),
                piece(1, PieceKind::Attachment, None, 90_000),
            ],
        );
        let got = map.figures(&system, whole);
        assert_eq!(
            shown(&got)[3..6],
            [
                ("your words", "messages[0]", Some(100)),
                ("tool results", "messages[1]", Some(300)),
                ("attachments", "messages[1]", None),
            ]
        );
    }

    #[test]
    fn parts_that_are_more_alone_than_together_still_sum_up() {
        let map = main(&[100, 100]);
        let whole = Whole { prompt: counted(1_000), fixed: Some(600), answer: None };
        let got = map.figures(&[fixed("system[0]", 300), fixed("tool Read", 320)], whole);
        assert_eq!(got.parts.iter().filter_map(|p| p.tokens).sum::<u64>(), 1_000);
    }

    #[test]
    fn a_compaction_leaves_a_summary_and_a_side_request_nothing() {
        let mut map = main(&[100]);
        map.shrunk_to(700);
        let side = RequestKind::Side(crate::domain::SideKind::Title);
        map.started(RequestId(2), &side, &[]);
        let got =
            map.figures(&[fixed("system[0]", 50)], Whole { fixed: Some(50), ..Whole::default() });
        assert_eq!(shown(&got).last(), Some(&("summary", "summary", Some(700))));
        assert_eq!((got.total, got.estimated), (Some(750), true));
        assert_eq!(Map::default().figures(&[], Whole::default()), PromptFigures::default());
    }

    #[test]
    fn very_many_parts_become_few_and_keep_their_sum() {
        let bytes: Vec<u64> = (1..=2_000).collect();
        let whole = Whole { prompt: counted(2_001_000), fixed: Some(0), answer: None };
        let got = main(&bytes).figures(&[], whole);
        assert_eq!(got.parts.len(), PARTS + 1);
        assert_eq!(got.parts.iter().filter_map(|p| p.tokens).sum::<u64>(), 2_001_000);
        assert_eq!(got.parts.last().unwrap().part, "1600 small ones");
    }
}
