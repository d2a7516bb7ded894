//! The to-dos of a session, from both kinds of tools that keep them.

use crate::domain::transcript::{Act, Entry, Todo, TodoState};

/// A list that is kept by calls one after the other.
#[derive(Debug, Default)]
pub(super) struct Todos {
    /// With the number Claude Code gave each, where it did.
    list: Vec<(Option<String>, Todo)>,
    /// Added, but the result with its number has not come yet: the call's id and its place.
    unnumbered: Vec<(String, usize)>,
}

impl Todos {
    /// Takes the next entry of the session.
    pub(super) fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Call { id, act } => self.call(id, act),
            Entry::Result { id, failed: false, text } => self.numbered(id, text),
            Entry::Prompt(_)
            | Entry::Interrupted
            | Entry::Answer(_)
            | Entry::Summary(_)
            | Entry::Result { .. } => {}
        }
    }

    /// The list as it stands, without what was dropped.
    pub(super) fn list(self) -> Vec<Todo> {
        let todos = self.list.into_iter().map(|(_, todo)| todo);
        todos.filter(|t| t.state != TodoState::Dropped && !t.text.trim().is_empty()).collect()
    }

    fn call(&mut self, id: &str, act: &Act) {
        match act {
            Act::Todos(todos) => {
                self.unnumbered.clear();
                self.list = todos.iter().map(|todo| (None, todo.clone())).collect();
            }
            Act::TodoAdd(text) => {
                let todo = Todo { text: text.clone(), state: TodoState::Open };
                self.unnumbered.push((id.to_owned(), self.list.len()));
                self.list.push((None, todo));
            }
            Act::TodoSet { number, state, text } => {
                let known = |(n, _): &&mut (Option<String>, Todo)| n.as_ref() == Some(number);
                let Some((_, todo)) = self.list.iter_mut().find(known) else { return };
                if let Some(state) = state {
                    todo.state = *state;
                }
                if let Some(text) = text {
                    todo.text.clone_from(text);
                }
            }
            Act::Run(_) | Act::Change(_) | Act::Plan(_) | Act::Other(_) => {}
        }
    }

    /// `Task #3 created successfully: …` is how Claude Code answers `TaskCreate`.
    fn numbered(&mut self, id: &str, text: &str) {
        let Some(at) = self.unnumbered.iter().position(|(call, _)| call == id) else { return };
        let (_, place) = self.unnumbered.swap_remove(at);
        let number = text.split_once('#').map(|(_, rest)| rest);
        let number = number.and_then(|rest| rest.split_whitespace().next());
        if let (Some(number), Some((known, _))) = (number, self.list.get_mut(place)) {
            *known = Some(number.trim_end_matches(':').to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, act: Act) -> Entry {
        Entry::Call { id: id.to_owned(), act }
    }

    fn list(entries: &[Entry]) -> Vec<(String, TodoState)> {
        let mut todos = Todos::default();
        entries.iter().for_each(|entry| todos.take(entry));
        todos.list().into_iter().map(|t| (t.text, t.state)).collect()
    }

    #[test]
    fn a_whole_list_takes_the_place_of_the_old_one() {
        let whole = |text: &str| {
            call("t", Act::Todos(vec![Todo { text: text.to_owned(), state: TodoState::Doing }]))
        };
        assert_eq!(list(&[whole("a"), whole("b")]), [("b".to_owned(), TodoState::Doing)]);
        assert_eq!(list(&[]), []);
    }

    #[test]
    fn numbered_ones_are_changed_by_their_number() {
        let created = |id: &str, n: u8| Entry::Result {
            id: id.to_owned(),
            failed: false,
            text: format!("Task #{n} created successfully: x"),
        };
        let set = |number: &str, state, text: Option<&str>| {
            let (number, text) = (number.to_owned(), text.map(str::to_owned));
            call("s", Act::TodoSet { number, state, text })
        };
        let found = list(&[
            call("a", Act::TodoAdd("one".into())),
            call("b", Act::TodoAdd("two".into())),
            call("c", Act::TodoAdd("three".into())),
            created("b", 2),
            created("a", 1),
            created("c", 3),
            set("1", Some(TodoState::Done), None),
            set("2", None, Some("two, better")),
            set("3", Some(TodoState::Dropped), None),
            set("9", Some(TodoState::Done), None),
        ]);
        let expected =
            [("one".to_owned(), TodoState::Done), ("two, better".to_owned(), TodoState::Open)];
        assert_eq!(found, expected);
    }
}
