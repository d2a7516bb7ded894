//! Figures of a session of some turns: a break, a compaction, a turn that was given up.
#![allow(dead_code, reason = "each test file uses its part")]

use lcc::protocol::{
    BreakKind, CacheBreak, CompactionLast, PromptFigures, PromptPart, PromptSection, Snapshot,
    ToolCount, TurnFigures, TurnState,
};

use crate::ui_support;

fn turn(number: u64, (read, write, tools): (f64, f64, f64), hit: f64) -> TurnFigures {
    TurnFigures {
        number,
        state: TurnState::Done,
        began_s: number as f64 * 90.0,
        prefill_s: read,
        generate_s: write,
        tools_s: tools,
        requests: 3,
        prompt_tokens: Some(9_000 + number * 840),
        read_tokens: (read * 214.0) as u64,
        cached_tokens: 24_000 + number * 700,
        output_tokens: (write * 31.0) as u64,
        rate: Some(214.0 - number as f64 * 4.0),
        hit: Some(hit),
        used: Some(9_400 + number * 840),
        added: Some(840),
        tools: vec![
            ToolCount { name: "Read".into(), count: 3 },
            ToolCount { name: "Bash".into(), count: 1 },
        ],
        ..TurnFigures::default()
    }
}

fn part(section: PromptSection, part: &str, tool: Option<&str>, tokens: u64) -> PromptPart {
    PromptPart {
        section,
        part: part.to_owned(),
        tool: tool.map(str::to_owned),
        bytes: tokens * 4,
        tokens: Some(tokens),
        counted: matches!(section, PromptSection::System | PromptSection::Tools),
    }
}

/// A session of eight turns, idle.
pub fn story() -> Snapshot {
    let mut s = ui_support::idle();
    let mut turns: Vec<TurnFigures> = [
        (1, (41.0, 6.0, 2.0), 0.61),
        (2, (9.0, 12.0, 4.5), 0.94),
        (3, (7.5, 22.0, 1.0), 0.97),
        (4, (58.0, 9.0, 3.0), 0.12),
        (5, (8.0, 14.0, 12.0), 0.96),
        (6, (6.0, 3.0, 0.0), 0.98),
        (7, (12.0, 18.0, 6.0), 0.93),
        (8, (3.4, 9.0, 1.5), 0.99),
    ]
    .map(|(number, times, hit)| turn(number, times, hit))
    .into();
    turns[3].breaks.push(CacheBreak {
        at_token: 3_512,
        section: "messages[0]".to_owned(),
        cause: "a title request took the slot".to_owned(),
        fix: Some("side_requests = \"auto\"".to_owned()),
        kind: BreakKind::SideRequest,
        tokens: 12_100,
        seconds: Some(52.0),
        estimated: false,
    });
    turns[4].compaction_s = 21.0;
    turns[4].added = None;
    turns[4].compactions.push(CompactionLast {
        before: Some(27_300),
        after: Some(6_480),
        after_estimated: false,
        seconds: 21.0,
    });
    turns[5].state = TurnState::Stopped;
    s.cache.breaks = 1;
    s.cache.last_break = turns[3].breaks.first().cloned();
    s.timeline = turns;
    s.prompt = PromptFigures {
        total: Some(14_902),
        estimated: false,
        parts: vec![
            part(PromptSection::System, "system[0]", None, 28),
            part(PromptSection::System, "system[1]", None, 1_214),
            part(PromptSection::Tools, "tool Bash", Some("Bash"), 1_180),
            part(PromptSection::Tools, "tool Read", Some("Read"), 620),
            part(PromptSection::Tools, "tool Edit", Some("Edit"), 430),
            part(PromptSection::Template, "template", None, 38),
            part(PromptSection::Reminders, "messages[0]", None, 310),
            part(PromptSection::Prompts, "messages[0]", None, 90),
            part(PromptSection::Prompts, "messages[9]", None, 44),
            part(PromptSection::Answers, "messages[1]", None, 402),
            part(PromptSection::Answers, "last answer", None, 492),
            part(PromptSection::Calls, "messages[1]", Some("Read"), 61),
            part(PromptSection::Calls, "messages[3]", Some("Bash"), 118),
            part(PromptSection::Results, "messages[2]", Some("Read"), 4_821),
            part(PromptSection::Results, "messages[4]", Some("Bash"), 988),
            part(PromptSection::Results, "messages[6]", Some("Read"), 4_066),
        ],
    };
    s
}
