//! The prefix cache: which tokens each slot holds, and which slot a prompt goes to.

use super::tokenize::Token;

/// A prompt goes to the slot that shares more than this part of it. llama-server's default.
pub const SIMILARITY: f64 = 0.1;

/// The number of tokens at the start that `a` and `b` share.
#[must_use]
pub fn shared_prefix(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// What the choice of a slot looks at.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The slot's place in the list of slots.
    pub index: usize,
    /// The tokens the slot holds.
    pub kept: &'a [Token],
    /// A number that grows with every use of any slot; 0 for a slot that was never used.
    pub last_used: u64,
}

/// The slot for `prompt` among the idle ones: the longest shared prefix as a part of the prompt,
/// if above [`SIMILARITY`]; else the least recently used, of equals the last in the list.
/// `None` when no slot is idle.
#[must_use]
pub fn choose(prompt: &[Token], idle: &[Candidate<'_>]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for slot in idle {
        let similarity = shared_prefix(slot.kept, prompt) as f64 / prompt.len().max(1) as f64;
        if similarity > SIMILARITY && best.is_none_or(|(_, most)| similarity > most) {
            best = Some((slot.index, similarity));
        }
    }
    best.map(|(index, _)| index).or_else(|| {
        idle.iter()
            .min_by_key(|slot| (slot.last_used, std::cmp::Reverse(slot.index)))
            .map(|slot| slot.index)
    })
}

/// Tokens of `prompt` that need not be read again. At least one is always read, as the answer
/// begins from what the last one says.
#[must_use]
pub fn reusable(kept: &[Token], prompt: &[Token]) -> usize {
    shared_prefix(kept, prompt).min(prompt.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slots<'a>(kept: &[(&'a [Token], u64)]) -> Vec<Candidate<'a>> {
        kept.iter()
            .enumerate()
            .map(|(index, &(kept, last_used))| Candidate { index, kept, last_used })
            .collect()
    }

    #[test]
    fn the_longest_prefix_wins_then_the_least_recently_used() {
        let prompt: Vec<Token> = (0..100).collect();
        let (long, short, tiny) = (&prompt[..60], &prompt[..30], &prompt[..10]);
        for (name, kept, expected) in [
            ("longest", slots(&[(short, 9), (long, 1)]), Some(1)),
            ("first of equals", slots(&[(long, 9), (long, 1)]), Some(0)),
            ("one tenth is not above", slots(&[(tiny, 9), (&[], 1)]), Some(1)),
            ("least recently used", slots(&[(&[7], 3), (&[8], 2), (&[9], 4)]), Some(1)),
            ("last of the never used", slots(&[(&[], 0), (&[], 0)]), Some(1)),
            ("none idle", Vec::new(), None),
        ] {
            assert_eq!(choose(&prompt, &kept), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn the_shared_prefix_is_the_longest(a in prop::collection::vec(0_u32..3, 0..40), b in prop::collection::vec(0_u32..3, 0..40)) {
            let n = shared_prefix(&a, &b);
            prop_assert_eq!(&a[..n], &b[..n]);
            prop_assert!(n == a.len() || n == b.len() || a[n] != b[n]);
            prop_assert!(b.is_empty() || reusable(&a, &b) < b.len());
        }
    }
}
