//! Edits cut into a text at once: every byte outside of them stays as it was.

use std::ops::Range;

/// Edits of one text, none of which overlap.
#[derive(Debug)]
pub struct Edits<'a> {
    text: &'a str,
    cuts: Vec<(Range<usize>, String)>,
    ending: String,
}

impl<'a> Edits<'a> {
    /// No edits of `text` yet.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text, cuts: Vec::new(), ending: String::new() }
    }

    /// Where a part of the text stands in it.
    #[must_use]
    pub fn place(&self, part: &str) -> Range<usize> {
        // The part was borrowed from the text, so its address tells.
        let from = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        from..from.saturating_add(part.len())
    }

    /// Puts `with` in the place of `part`, which must have been borrowed from the text.
    pub fn replace(&mut self, part: &str, with: String) {
        if part != with {
            self.cut(self.place(part), with);
        }
    }

    /// Puts `with` in the place of a range of bytes.
    pub fn cut(&mut self, range: Range<usize>, with: String) {
        self.cuts.push((range, with));
    }

    /// Puts fields, each with a comma before it, at the end of the object that the text is.
    pub fn end_object(&mut self, fields: &str) {
        self.ending.push_str(fields);
    }

    /// Where the first field of the object begins that the text is.
    #[must_use]
    pub fn inside_object(&self) -> usize {
        self.text.find('{').map_or(0, |at| at + 1)
    }

    /// The place behind the comma that follows `from`; `from` itself when none follows.
    #[must_use]
    pub fn past_comma(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let trimmed = rest.trim_start();
        match trimmed.strip_prefix(',') {
            Some(after) => self.text.len() - after.len(),
            None => from,
        }
    }

    /// What is left before a place, as far as it tells whether anything is.
    fn left_before(&self, place: usize) -> &'a str {
        let mut end = place;
        loop {
            let text = self.text.get(..end).unwrap_or_default().trim_end();
            let cut = self.cuts.iter().find(|(range, with)| {
                with.is_empty() && range.end == text.len() && range.start < range.end
            });
            match cut {
                Some((range, _)) => end = range.start,
                None => return text,
            }
        }
    }

    /// The edited text; `None` when there was nothing to edit, or the edits do not fit the text.
    #[must_use]
    pub fn done(mut self) -> Option<String> {
        if !self.ending.is_empty() {
            let close = self.text.rfind('}')?;
            // The last field but those that are cut out needs the comma.
            let empty = self.left_before(close).trim_end().ends_with('{');
            let ending = std::mem::take(&mut self.ending);
            let ending = if empty { ending.get(1..)?.to_owned() } else { ending };
            self.cuts.push((close..close, ending));
        }
        if self.cuts.is_empty() {
            return None;
        }
        self.cuts.sort_by_key(|(range, _)| (range.start, range.end));
        let more: usize = self.cuts.iter().map(|(_, with)| with.len()).sum();
        let mut out = String::with_capacity(self.text.len() + more);
        let mut from = 0;
        for (range, with) in &self.cuts {
            out.push_str(self.text.get(from..range.start)?);
            out.push_str(with);
            from = range.end;
        }
        out.push_str(self.text.get(from..)?);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_stays() {
        let text = "one two three";
        let mut edits = Edits::new(text);
        edits.replace(text.get(8..).unwrap(), "3".to_owned());
        edits.replace(text.get(..3).unwrap(), "1".to_owned());
        edits.replace(text.get(4..7).unwrap(), "two".to_owned());
        assert_eq!(edits.done().as_deref(), Some("1 two 3"));
        assert_eq!(Edits::new(text).done(), None);
    }

    #[test]
    fn edits_that_overlap_change_nothing() {
        let text = "abcdef";
        let mut edits = Edits::new(text);
        edits.cut(0..4, String::new());
        edits.cut(2..5, String::new());
        assert_eq!(edits.done(), None);
    }
}
