//! One pane over the whole of Claude Code's frame: which, what is marked in it, how deep.

use crossterm::event::{KeyCode, KeyEvent};

use crate::protocol::{PromptPart, PromptSection, Snapshot, TurnFigures};

use super::{Arrangement, PaneId};

/// Lines that a pane without a list may be scrolled down.
const SCROLLS: usize = 64;

/// A pane over everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zoom {
    /// Which one.
    pub pane: PaneId,
    /// The marked row of a list, from its top; where there is no list, the lines scrolled down.
    pub mark: usize,
    /// Lines that the detail of a turn is scrolled down.
    pub scroll: usize,
    /// How deep in the map of the prompt.
    pub depth: Depth,
}

/// How deep in the map of the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Depth {
    /// All sections.
    #[default]
    Sections,
    /// The tools of one section.
    Tools(PromptSection),
    /// The parts of a section, or of one tool in it.
    Parts(PromptSection, Option<String>),
}

/// A row of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// How many parts it stands for.
    pub parts: usize,
    /// Their tokens. `None` when those of one are not known.
    pub tokens: Option<u64>,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Whether the server counted all of them itself.
    pub counted: bool,
    /// Where Enter leads.
    pub into: Option<Depth>,
}

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// It changed something or nothing.
    Stays,
    /// The pane goes back to its place.
    Closes,
    /// The words about it are wanted.
    Explains,
}

impl Zoom {
    /// This pane, from its top.
    #[must_use]
    pub fn new(pane: PaneId) -> Self {
        Self { pane, mark: 0, scroll: 0, depth: Depth::Sections }
    }

    /// Takes a key. `rows`: how many rows there are to mark or to scroll.
    pub(super) fn press(
        &mut self,
        key: KeyEvent,
        panes: &Arrangement,
        snapshot: &Snapshot,
    ) -> Pressed {
        let last = self.rows(snapshot).saturating_sub(1);
        let turns = self.pane == PaneId::Timeline;
        match key.code {
            KeyCode::PageUp if turns => self.scroll = self.scroll.saturating_sub(5),
            KeyCode::PageDown if turns => self.scroll = (self.scroll + 5).min(SCROLLS),
            KeyCode::Up | KeyCode::Char('k') => self.mark = self.mark.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.mark = (self.mark + 1).min(last),
            KeyCode::PageUp => self.mark = self.mark.saturating_sub(10),
            KeyCode::PageDown => self.mark = (self.mark + 10).min(last),
            KeyCode::Home => self.mark = 0,
            KeyCode::End => self.mark = last,
            KeyCode::Tab => self.next(panes, 1),
            KeyCode::BackTab => self.next(panes, -1),
            KeyCode::Enter | KeyCode::Right | KeyCode::Char('l') => self.enter(snapshot),
            KeyCode::Left | KeyCode::Backspace | KeyCode::Char('h') => self.leave(),
            KeyCode::Esc if self.depth != Depth::Sections => self.leave(),
            KeyCode::Esc | KeyCode::Char('q' | 'z') => return Pressed::Closes,
            KeyCode::Char('?') => return Pressed::Explains,
            _ => {}
        }
        Pressed::Stays
    }

    /// The next pane of those shown.
    fn next(&mut self, panes: &Arrangement, by: isize) {
        let shown: Vec<PaneId> = panes.shown().collect();
        let at = shown.iter().position(|id| *id == self.pane).unwrap_or(0);
        let count = isize::try_from(shown.len()).unwrap_or(1).max(1);
        let to = isize::try_from(at).unwrap_or(0).saturating_add(by).rem_euclid(count);
        if let Some(id) = usize::try_from(to).ok().and_then(|to| shown.get(to)) {
            *self = Self::new(*id);
        }
    }

    /// Marks a row; a second time goes into it.
    pub(super) fn click(&mut self, row: usize, snapshot: &Snapshot) {
        if row >= self.rows(snapshot) {
            return;
        }
        if self.mark == row {
            self.enter(snapshot);
        } else {
            self.mark = row;
        }
    }

    fn enter(&mut self, snapshot: &Snapshot) {
        if self.pane != PaneId::Window {
            return;
        }
        let into = rows(&snapshot.prompt.parts, &self.depth).into_iter().nth(self.mark);
        if let Some(into) = into.and_then(|row| row.into) {
            (self.depth, self.mark) = (into, 0);
        }
    }

    fn leave(&mut self) {
        let up = match &self.depth {
            Depth::Sections => return,
            Depth::Parts(section, Some(_)) if by_tool(*section) => Depth::Tools(*section),
            Depth::Tools(_) | Depth::Parts(_, _) => Depth::Sections,
        };
        (self.depth, self.mark) = (up, 0);
    }

    /// How many rows can be marked.
    fn rows(&self, snapshot: &Snapshot) -> usize {
        match self.pane {
            PaneId::Window => rows(&snapshot.prompt.parts, &self.depth).len(),
            PaneId::Timeline => snapshot.timeline.len(),
            PaneId::Prefill
            | PaneId::Cache
            | PaneId::Thinking
            | PaneId::Time
            | PaneId::Noise
            | PaneId::Server
            | PaneId::Sandbox => SCROLLS,
        }
    }

    /// The marked turn of the timeline, the newest on top.
    #[must_use]
    pub fn turn<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a TurnFigures> {
        let last = snapshot.timeline.len().checked_sub(1)?;
        snapshot.timeline.get(last - self.mark.min(last))
    }
}

/// The last row that can be marked.
pub(super) fn last_row(zoom: &Zoom, snapshot: &Snapshot) -> usize {
    zoom.rows(snapshot).saturating_sub(1)
}

/// Whether a section is told tool by tool.
const fn by_tool(section: PromptSection) -> bool {
    matches!(section, PromptSection::Calls | PromptSection::Results)
}

/// The rows of the map at this depth: sections in the order of the prompt, everything else by
/// its size.
#[must_use]
pub fn rows(parts: &[PromptPart], depth: &Depth) -> Vec<Row> {
    let of = |section: PromptSection| parts.iter().filter(move |p| p.section == section);
    match depth {
        Depth::Sections => PromptSection::ALL
            .into_iter()
            .filter(|section| of(*section).next().is_some())
            .map(|section| {
                let into = match (by_tool(section), of(section).count()) {
                    (true, _) => Some(Depth::Tools(section)),
                    (false, 1) => None,
                    (false, _) => Some(Depth::Parts(section, None)),
                };
                sum(section.name().to_owned(), of(section), into)
            })
            .collect(),
        Depth::Tools(section) => {
            let mut tools: Vec<Option<&str>> = of(*section).map(|p| p.tool.as_deref()).collect();
            tools.sort_unstable();
            tools.dedup();
            let mut rows: Vec<Row> = tools
                .into_iter()
                .map(|tool| {
                    let own = of(*section).filter(|p| p.tool.as_deref() == tool);
                    let name = tool.unwrap_or("not known which").to_owned();
                    let into = Depth::Parts(*section, tool.map(str::to_owned));
                    sum(name, own, Some(into))
                })
                .collect();
            by_size(&mut rows);
            rows
        }
        Depth::Parts(section, tool) => {
            let own = of(*section).filter(|p| !by_tool(*section) || p.tool == *tool);
            let mut rows: Vec<Row> =
                own.map(|p| sum(p.part.clone(), std::iter::once(p), None)).collect();
            by_size(&mut rows);
            rows
        }
    }
}

fn by_size(rows: &mut [Row]) {
    rows.sort_by_key(|row| std::cmp::Reverse((row.tokens, row.bytes)));
}

fn sum<'a>(name: String, of: impl Iterator<Item = &'a PromptPart>, into: Option<Depth>) -> Row {
    let mut row = Row { name, parts: 0, tokens: Some(0), bytes: 0, counted: true, into };
    for part in of {
        row.parts += 1;
        row.bytes = row.bytes.saturating_add(part.bytes);
        row.tokens = row.tokens.zip(part.tokens).map(|(all, one)| all.saturating_add(one));
        row.counted &= part.counted;
    }
    row
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::protocol::PromptFigures;

    fn part(section: PromptSection, part: &str, tool: Option<&str>, tokens: u64) -> PromptPart {
        PromptPart {
            section,
            part: part.into(),
            tool: tool.map(Into::into),
            bytes: tokens * 4,
            tokens: Some(tokens),
            counted: section == PromptSection::Tools,
        }
    }

    fn snapshot() -> Snapshot {
        let parts = vec![
            part(PromptSection::System, "system[0]", None, 50),
            part(PromptSection::Tools, "tool Read", Some("Read"), 300),
            part(PromptSection::Tools, "tool Bash", Some("Bash"), 900),
            part(PromptSection::Results, "messages[2]", Some("Read"), 40),
            part(PromptSection::Results, "messages[4]", Some("Bash"), 500),
            part(PromptSection::Results, "messages[6]", Some("Bash"), 700),
            part(PromptSection::Results, "messages[8]", None, 1),
        ];
        Snapshot {
            prompt: PromptFigures { parts, ..PromptFigures::default() },
            ..Snapshot::default()
        }
    }

    fn press(zoom: &mut Zoom, code: KeyCode) -> Pressed {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        zoom.press(key, &Arrangement::default(), &snapshot())
    }

    fn shown(zoom: &Zoom) -> Vec<(String, usize, Option<u64>)> {
        let rows = rows(&snapshot().prompt.parts, &zoom.depth);
        rows.into_iter().map(|r| (r.name, r.parts, r.tokens)).collect()
    }

    #[test]
    fn the_map_opens_down_to_the_message_and_closes_again() {
        let mut zoom = Zoom::new(PaneId::Window);
        let row = |name: &str, parts, tokens| (name.to_owned(), parts, Some(tokens));
        assert_eq!(
            shown(&zoom),
            [
                row("system prompt", 1, 50),
                row("tool descriptions", 2, 1_200),
                row("tool results", 4, 1_241)
            ]
        );
        press(&mut zoom, KeyCode::Enter);
        assert_eq!(zoom.depth, Depth::Sections, "one part is nothing to open");
        press(&mut zoom, KeyCode::Down);
        press(&mut zoom, KeyCode::Enter);
        assert_eq!(shown(&zoom), [row("tool Bash", 1, 900), row("tool Read", 1, 300)]);
        press(&mut zoom, KeyCode::Esc);
        press(&mut zoom, KeyCode::End);
        press(&mut zoom, KeyCode::Enter);
        assert_eq!(
            shown(&zoom),
            [row("Bash", 2, 1_200), row("Read", 1, 40), row("not known which", 1, 1)]
        );
        press(&mut zoom, KeyCode::Enter);
        assert_eq!(shown(&zoom), [row("messages[6]", 1, 700), row("messages[4]", 1, 500)]);
        press(&mut zoom, KeyCode::Left);
        assert_eq!(zoom.depth, Depth::Tools(PromptSection::Results));
        press(&mut zoom, KeyCode::Esc);
        assert_eq!(press(&mut zoom, KeyCode::Esc), Pressed::Closes);
    }

    #[test]
    fn tab_goes_through_the_panes_that_are_shown() {
        let mut zoom = Zoom::new(PaneId::Sandbox);
        press(&mut zoom, KeyCode::Tab);
        assert_eq!(zoom.pane, PaneId::Prefill);
        press(&mut zoom, KeyCode::BackTab);
        assert_eq!(zoom.pane, PaneId::Sandbox);
        assert_eq!(press(&mut zoom, KeyCode::Char('?')), Pressed::Explains);
    }

    #[test]
    fn the_newest_turn_is_on_top() {
        let mut snapshot = snapshot();
        snapshot.timeline =
            (1..=3).map(|number| TurnFigures { number, ..TurnFigures::default() }).collect();
        let mut zoom = Zoom::new(PaneId::Timeline);
        let number = |zoom: &Zoom| zoom.turn(&snapshot).map(|turn| turn.number);
        assert_eq!(number(&zoom), Some(3));
        zoom.mark = 2;
        assert_eq!(number(&zoom), Some(1));
        zoom.mark = 99;
        assert_eq!(number(&zoom), Some(1));
        assert_eq!(zoom.turn(&Snapshot::default()), None);
    }
}
