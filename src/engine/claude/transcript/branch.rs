//! Which lines belong to the conversation as it stands: going back in Claude Code leaves branches.

use std::collections::{HashMap, HashSet};

/// One line's place in the tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) id: &'a str,
    pub(super) parent: Option<&'a str>,
    /// Whether it may hang beside the branch: an answer's further calls and their results are
    /// siblings of the line that the conversation went on from.
    pub(super) beside: bool,
}

/// For each line whether it is on the branch of the last one. Where a parent is missing (a line
/// that could not be read, a file that was cut), everything before is taken to be on it.
pub(super) fn live(nodes: &[Node<'_>]) -> Vec<bool> {
    let places: HashMap<&str, usize> = nodes.iter().enumerate().map(|(n, l)| (l.id, n)).collect();
    let mut on = vec![false; nodes.len()];
    let mut at = nodes.len().checked_sub(1);
    while let Some(place) = at {
        // A ring would go round for ever; a parent that comes later is none.
        if std::mem::replace(&mut on[place], true) {
            break;
        }
        let Some(parent) = nodes[place].parent else { break };
        at = places.get(parent).copied().filter(|up| *up < place);
        if at.is_none() {
            on[..place].fill(true);
        }
    }
    let mut known: HashSet<&str> = HashSet::with_capacity(nodes.len());
    for (node, on) in nodes.iter().zip(&mut on) {
        let hangs = |parent| known.contains(parent) || !places.contains_key(parent);
        *on |= node.beside && node.parent.is_some_and(hangs);
        if *on {
            known.insert(node.id);
        }
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &'static str) -> Vec<bool> {
        let nodes: Vec<_> = text
            .split_whitespace()
            .map(|word| {
                let (id, parent) = word.split_once('<').unwrap();
                let beside = parent.ends_with('+');
                let parent = parent.trim_end_matches('+');
                Node { id, parent: Some(parent).filter(|p| !p.is_empty()), beside }
            })
            .collect();
        live(&nodes)
    }

    #[test]
    fn branches_by_table() {
        for (text, want) in [
            ("", ""),
            ("a< b<a c<b", "yyy"),
            // The user went back to a: b and its answer are gone.
            ("a< b<a c<b+ d<a e<d", "ynnyy"),
            // Two calls in one answer: both results count although one line goes on.
            ("a< b<a+ c<b+ r<b+ s<c+ d<s", "yyyyyy"),
            // The line between is missing: what was before it counts.
            ("a< b<a x<missing y<x", "yyyy"),
            // A ring and a parent that comes later do no harm.
            ("a<b b<a", "yy"),
            ("a<a", "y"),
        ] {
            let on: String = tree(text).iter().map(|on| if *on { 'y' } else { 'n' }).collect();
            assert_eq!(on, want, "{text}");
        }
    }
}
