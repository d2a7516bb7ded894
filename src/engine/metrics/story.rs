//! The timeline: the last turns, each with where its time went and what the cache did in it.

use std::collections::VecDeque;

use crate::{
    domain::Moment,
    protocol::{CacheBreak, CompactionLast, ToolCount, TurnFigures, TurnState},
};

use super::{ratio::share, time::Share};

/// Turns that are kept.
const TURNS: usize = 100;
/// Breaks and compactions of one turn that are kept, the last ones.
const MARKS: usize = 8;
/// Different tools of one turn that are named.
const TOOLS: usize = 24;
/// Fewer tokens than this were read too quickly to tell a rate from.
const TELLING: u64 = 64;

/// One turn while it is kept.
#[derive(Debug, Clone, Default)]
struct Turn {
    told: TurnFigures,
    /// Microseconds of reading, writing, tools, compacting.
    spent: [u64; 4],
    /// Tokens in the window before it.
    before: Option<u64>,
    /// Tokens of prompts whose reused part is known, and that part.
    prompts: u64,
    reused: u64,
    /// Microseconds in which `read_tokens` were read.
    reading: u64,
}

/// A main request that is over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// Tokens of its prompt.
    pub total: Option<u64>,
    /// Of these, reused ones, when that was told.
    pub cached: Option<u64>,
    /// From the request to its first token.
    pub reading: Option<(Moment, Moment)>,
    /// Tokens of its answer.
    pub output: u64,
    /// Whether `output` is an estimate.
    pub output_estimated: bool,
}

/// The last turns, the newest last.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    turns: VecDeque<Turn>,
    begun: u64,
    last: Moment,
    share: Option<Share>,
    /// Breaks and compactions that have their turn already.
    breaks: u64,
    compactions: u64,
}

impl Story {
    /// Time has come to `at`; what passed belongs to the newest turn, as `share` says.
    pub(super) fn advance(&mut self, at: Moment) {
        let passed = at.0.saturating_sub(self.last.0);
        self.last = self.last.max(at);
        let part = match self.share {
            Some(Share::Prefill) => 0,
            Some(Share::Generate) => 1,
            Some(Share::Tools) => 2,
            Some(Share::Compaction) => 3,
            Some(Share::Idle | Share::Nothing) | None => return,
        };
        if let Some(turn) = self.turns.back_mut() {
            turn.spent[part] = turn.spent[part].saturating_add(passed);
        }
    }

    pub(super) fn switch(&mut self, share: Share) {
        self.share = Some(share);
    }

    /// A turn begins, with so many tokens in the window.
    pub(super) fn begin(&mut self, before: Option<u64>) {
        self.stop();
        if self.turns.len() >= TURNS {
            self.turns.pop_front();
        }
        self.begun += 1;
        let began_s = self.last.0 as f64 / 1e6;
        let told = TurnFigures { number: self.begun, began_s, ..TurnFigures::default() };
        self.turns.push_back(Turn { told, before, ..Turn::default() });
    }

    /// The newest turn goes on after all.
    pub(super) fn go_on(&mut self) {
        if let Some(turn) = self.turns.back_mut() {
            turn.told.state = TurnState::Running;
        }
    }

    /// One of its main requests is over.
    pub(super) fn asked(&mut self, asked: Asked) {
        let Some(turn) = self.turns.back_mut() else { return };
        turn.told.requests += 1;
        turn.told.prompt_tokens = asked.total.or(turn.told.prompt_tokens);
        turn.told.output_tokens = turn.told.output_tokens.saturating_add(asked.output);
        turn.told.output_estimated |= asked.output_estimated && asked.output > 0;
        if let (Some(total), Some(cached)) = (asked.total, asked.cached) {
            let cached = cached.min(total);
            turn.prompts = turn.prompts.saturating_add(total);
            turn.reused = turn.reused.saturating_add(cached);
            turn.told.cached_tokens = turn.told.cached_tokens.saturating_add(cached);
            turn.told.read_tokens = turn.told.read_tokens.saturating_add(total - cached);
            if let Some((sent, first)) = asked.reading {
                turn.reading = turn.reading.saturating_add(first.0.saturating_sub(sent.0));
            }
        }
    }

    /// It called a tool.
    pub(super) fn tool(&mut self, name: &str) {
        let Some(turn) = self.turns.back_mut() else { return };
        let tools = &mut turn.told.tools;
        if let Some(known) = tools.iter_mut().find(|tool| tool.name == name) {
            known.count += 1;
        } else if tools.len() < TOOLS {
            tools.push(ToolCount { name: name.to_owned(), count: 1 });
        }
    }

    /// It is over, with so many tokens in the window.
    pub(super) fn end(&mut self, used: Option<u64>, fixed: Option<u64>) {
        if let Some(turn) = self.turns.back_mut() {
            turn.told.state = TurnState::Done;
            turn.before = turn.before.or(fixed);
            turn.told.used = used;
        }
    }

    /// It was given up, failed, or is left behind.
    pub(super) fn stop(&mut self) {
        if let Some(turn) = self.turns.back_mut()
            && turn.told.state == TurnState::Running
        {
            turn.told.state = TurnState::Stopped;
        }
    }

    /// So many breaks were found since the session began, the last one like this. What is learned
    /// late of a break takes the place of what was known.
    pub(super) fn broke(&mut self, count: u64, last: Option<&CacheBreak>) {
        let Some((turn, last)) = self.turns.back_mut().zip(last) else { return };
        mark(&mut turn.told.breaks, last, count != self.breaks);
        self.breaks = count;
    }

    /// So many compactions were answered, the last one like this.
    pub(super) fn compacted(&mut self, count: u64, last: Option<&CompactionLast>) {
        let Some((turn, last)) = self.turns.back_mut().zip(last) else { return };
        mark(&mut turn.told.compactions, last, count != self.compactions);
        self.compactions = count;
    }

    /// The turns at `now`. `used`: tokens in the window now.
    pub(super) fn figures(&self, now: Moment, used: Option<u64>) -> Vec<TurnFigures> {
        let mut now_story = Self { turns: VecDeque::new(), ..self.clone_head() };
        let newest = self.turns.len().saturating_sub(1);
        let mut told = Vec::with_capacity(self.turns.len());
        for (at, turn) in self.turns.iter().enumerate() {
            if at < newest {
                told.push(figures(turn, None));
                continue;
            }
            now_story.turns.push_back(turn.clone());
            now_story.advance(now);
            told.extend(now_story.turns.iter().map(|turn| figures(turn, used)));
        }
        told
    }

    fn clone_head(&self) -> Self {
        Self { last: self.last, share: self.share, ..Self::default() }
    }
}

/// A mark that is new is added, one that is known takes the words it has now.
fn mark<T: Clone>(marks: &mut Vec<T>, last: &T, new: bool) {
    if new {
        if marks.len() >= MARKS {
            marks.remove(0);
        }
        marks.push(last.clone());
    } else if let Some(known) = marks.last_mut() {
        known.clone_from(last);
    }
}

fn figures(turn: &Turn, used: Option<u64>) -> TurnFigures {
    let seconds = |micros: u64| micros as f64 / 1e6;
    let [prefill, generate, tools, compaction] = turn.spent;
    let mut told = turn.told.clone();
    (told.prefill_s, told.generate_s) = (seconds(prefill), seconds(generate));
    (told.tools_s, told.compaction_s) = (seconds(tools), seconds(compaction));
    told.hit = share(turn.reused, turn.prompts);
    let read = told.read_tokens;
    told.rate = (read >= TELLING && turn.reading > 0).then(|| read as f64 / seconds(turn.reading));
    if told.state == TurnState::Running {
        told.used = used.or(told.used);
    }
    if told.compactions.is_empty() {
        told.added = turn.before.zip(told.used).map(|(before, used)| used.saturating_sub(before));
    }
    told.tools.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Moment {
        Moment::from_millis(n)
    }

    fn asked(total: u64, cached: u64, from: u64, to: u64) -> Asked {
        let reading = Some((ms(from), ms(to)));
        Asked { total: Some(total), cached: Some(cached), reading, output: 50, ..Asked::default() }
    }

    #[test]
    fn a_turn_has_its_times_its_tokens_and_its_tools() {
        let mut story = Story::default();
        story.advance(ms(1_000));
        story.begin(Some(3_000));
        for (share, until) in [
            (Share::Prefill, 3_000),
            (Share::Generate, 4_000),
            (Share::Tools, 4_500),
            (Share::Prefill, 5_000),
            (Share::Generate, 6_000),
            (Share::Idle, 60_000),
        ] {
            story.switch(share);
            story.advance(ms(until));
        }
        story.asked(asked(4_000, 3_000, 1_000, 3_000));
        story.asked(asked(4_600, 4_600, 4_500, 5_000));
        for tool in ["Read", "Bash", "Read"] {
            story.tool(tool);
        }
        story.end(Some(4_700), None);
        let [turn] = &story.figures(ms(90_000), Some(9_999))[..] else { panic!("one turn") };
        assert_eq!((turn.number, turn.state), (1, TurnState::Done));
        assert_eq!([turn.prefill_s, turn.generate_s, turn.tools_s], [2.5, 2.0, 0.5]);
        assert_eq!((turn.requests, turn.read_tokens, turn.output_tokens), (2, 1_000, 100));
        assert_eq!((turn.rate, turn.hit), (Some(400.0), Some(7_600.0 / 8_600.0)));
        assert_eq!((turn.used, turn.added), (Some(4_700), Some(1_700)));
        let tools: Vec<_> = turn.tools.iter().map(|t| (t.name.as_str(), t.count)).collect();
        assert_eq!(tools, [("Read", 2), ("Bash", 1)]);
        assert_eq!(turn.began_s, 1.0);
    }

    #[test]
    fn a_running_turn_moves_with_the_clock_and_a_left_one_stops() {
        let mut story = Story::default();
        story.begin(Some(10));
        story.switch(Share::Prefill);
        let seen = |story: &Story, at| {
            let told = story.figures(ms(at), Some(60));
            let turn = told.last().unwrap();
            (turn.number, turn.state, turn.prefill_s, turn.added)
        };
        assert_eq!(seen(&story, 1_500), (1, TurnState::Running, 1.5, Some(50)));
        assert_eq!(seen(&story, 2_500), (1, TurnState::Running, 2.5, Some(50)));
        story.advance(ms(3_000));
        story.begin(None);
        assert_eq!(story.figures(ms(3_000), None)[0].state, TurnState::Stopped);
        assert_eq!(seen(&story, 4_000), (2, TurnState::Running, 1.0, None));
    }

    #[test]
    fn marks_belong_to_the_turn_they_came_in_and_are_told_better_later() {
        let mut story = Story::default();
        let found = |at_token, cause: &str| CacheBreak {
            at_token,
            cause: cause.to_owned(),
            ..CacheBreak::default()
        };
        story.broke(1, Some(&found(9, "before any turn")));
        story.begin(None);
        story.broke(1, Some(&found(9, "first")));
        story.broke(1, Some(&found(9, "first, explained")));
        story.begin(None);
        story.broke(2, Some(&found(7, "second")));
        let last =
            CompactionLast { before: Some(9), after: None, after_estimated: true, seconds: 1.0 };
        story.compacted(1, Some(&last));
        story.compacted(1, Some(&CompactionLast { after: Some(4), ..last }));
        let told = story.figures(ms(0), None);
        let causes =
            |at: usize| told[at].breaks.iter().map(|b| b.cause.clone()).collect::<Vec<_>>();
        assert_eq!(causes(0), ["first, explained"]);
        assert_eq!(causes(1), ["second"]);
        assert_eq!(told[1].compactions.len(), 1);
        assert_eq!(told[1].compactions[0].after, Some(4));
    }

    #[test]
    fn only_the_last_turns_and_marks_are_kept() {
        let mut story = Story::default();
        for n in 1..=(TURNS as u64 + 5) {
            story.begin(None);
            story.broke(n, Some(&CacheBreak { at_token: n, ..CacheBreak::default() }));
        }
        for n in 0..20 {
            story.broke(1_000 + n, Some(&CacheBreak::default()));
            story.tool(&format!("T{n}"));
        }
        let told = story.figures(ms(0), None);
        assert_eq!((told.len(), told[0].number), (TURNS, 6));
        assert_eq!(told.last().unwrap().breaks.len(), MARKS);
        assert!(told.iter().all(|turn| turn.tools.len() <= TOOLS));
    }
}
