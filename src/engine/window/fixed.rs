//! What the fixed part of every prompt consists of: system blocks and tools, each in tokens. Pure.

use crate::domain::{FixedPart, Part, Section};

/// The system blocks and tools among a prompt's sections, not counted yet.
#[must_use]
pub fn fixed_parts(sections: &[Section]) -> Vec<FixedPart> {
    sections
        .iter()
        .filter_map(|section| match section.part {
            Part::System(_) | Part::Tool(_) => {
                Some(FixedPart { part: section.part.clone(), bytes: section.bytes, tokens: None })
            }
            Part::Message(_) => None,
        })
        .collect()
}

/// Tokens of each part, the largest first, and whether the server counted it itself. Where it did
/// not, the parts share `total` by their bytes.
#[must_use]
pub fn by_size(parts: &[FixedPart], total: Option<u64>) -> Vec<(FixedPart, bool)> {
    let bytes: u64 = parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes));
    let share = |part: &FixedPart| {
        let whole = u128::from(total?) * u128::from(part.bytes);
        u64::try_from(whole.checked_div(u128::from(bytes))?).ok()
    };
    let mut all: Vec<(FixedPart, bool)> = parts
        .iter()
        .map(|part| {
            let counted = part.tokens.is_some();
            (FixedPart { tokens: part.tokens.or_else(|| share(part)), ..part.clone() }, counted)
        })
        .collect();
    all.sort_by_key(|(part, _)| std::cmp::Reverse((part.tokens, part.bytes)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, bytes: u64, tokens: Option<u64>) -> FixedPart {
        FixedPart { part: Part::Tool(name.into()), bytes, tokens }
    }

    #[test]
    fn counted_or_shared_out_the_largest_comes_first() {
        let parts = [part("A", 100, None), part("B", 300, None), part("C", 0, Some(500))];
        let got: Vec<_> = by_size(&parts, Some(100))
            .into_iter()
            .map(|(p, counted)| (p.part.to_string(), p.tokens, counted))
            .collect();
        assert_eq!(
            got,
            [
                ("tool C".to_owned(), Some(500), true),
                ("tool B".to_owned(), Some(75), false),
                ("tool A".to_owned(), Some(25), false)
            ]
        );
        assert_eq!(by_size(&parts[..1], None)[0].0.tokens, None);
        assert_eq!(by_size(&[part("A", 0, None)], Some(9))[0].0.tokens, None);
    }

    #[test]
    fn messages_are_not_fixed() {
        let section = |part| Section { part, bytes: 5, digest: 1 };
        let got = fixed_parts(&[
            section(Part::System(0)),
            section(Part::Tool("Read".into())),
            section(Part::Message(0)),
        ]);
        assert_eq!(got.len(), 2);
    }
}
