//! The parts of the fixed prompt of the conversation, as the last main request had them.

use crate::{
    domain::{FixedPart, RequestKind, Section},
    engine::window,
    protocol::FixedFigures,
};

/// The parts, with the server's counts once they are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Fixed {
    parts: Vec<FixedPart>,
}

impl Fixed {
    /// A request goes upstream. Counts of parts that did not change stay.
    pub(super) fn started(&mut self, kind: &RequestKind, sections: &[Section]) {
        if *kind != RequestKind::Main {
            return;
        }
        let mut parts = window::fixed_parts(sections);
        for part in &mut parts {
            let before = self.parts.iter().find(|b| b.part == part.part && b.bytes == part.bytes);
            part.tokens = before.and_then(|before| before.tokens);
        }
        self.parts = parts;
    }

    /// The server has counted them.
    pub(super) fn weighed(&mut self, counted: &[FixedPart]) {
        for part in &mut self.parts {
            let told = counted.iter().find(|c| c.part == part.part);
            part.tokens = told.and_then(|c| c.tokens).or(part.tokens);
        }
    }

    /// As they stand in the prompt; `total`: tokens of all of them together.
    pub(super) fn in_order(&self, total: Option<u64>) -> Vec<FixedFigures> {
        let mut figures = self.figures(total);
        let place = |name: &str| self.parts.iter().position(|p| p.part.to_string() == name);
        figures.sort_by_cached_key(|figure| place(&figure.part));
        figures
    }

    /// The largest first; `total`: tokens of all of them together.
    pub(super) fn figures(&self, total: Option<u64>) -> Vec<FixedFigures> {
        window::by_size(&self.parts, total)
            .into_iter()
            .map(|(part, counted)| FixedFigures {
                part: part.part.to_string(),
                bytes: part.bytes,
                tokens: part.tokens,
                counted,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Part;

    #[test]
    fn counts_stay_with_what_did_not_change() {
        let section = |part, bytes| Section { part, bytes, digest: bytes };
        let mut fixed = Fixed::default();
        let read = || Part::Tool("Read".into());
        fixed.started(&RequestKind::Main, &[section(Part::System(0), 40), section(read(), 60)]);
        let told = |part, tokens| FixedPart { part, bytes: 0, tokens };
        fixed.weighed(&[told(read(), Some(17)), told(Part::System(0), Some(9))]);
        fixed.started(&RequestKind::Compaction, &[]);
        fixed.started(&RequestKind::Main, &[section(Part::System(0), 44), section(read(), 60)]);
        let got = fixed.figures(Some(50));
        assert_eq!(
            (got[0].part.as_str(), got[0].tokens, got[0].counted),
            ("system[0]", Some(21), false)
        );
        assert_eq!(
            (got[1].part.as_str(), got[1].tokens, got[1].counted),
            ("tool Read", Some(17), true)
        );
    }
}
