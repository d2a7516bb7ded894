//! Finding figures in a line by the words around them, never by their column.

/// What follows `key`, when the line has it.
pub(super) fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_once(key).map(|(_, rest)| rest)
}

/// The whole number at the start of `text`, after blanks, `=` and quotes.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = text.trim_start_matches([' ', '=', '"', '\t']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// The decimal number at the start of `text`, after blanks, `=` and quotes.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches([' ', '=', '"', '\t']);
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    digits.get(..end)?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// What follows the name of a field (`name = …`, `name=…`), where the name stands alone: `n_tokens`
/// is not found in `task.n_tokens`.
pub(super) fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    loop {
        let rest = line.get(from..)?;
        let at = from + rest.find(name)?;
        let end = at + name.len();
        let before = line.get(..at)?.chars().next_back();
        let alone = !before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        let value = line.get(end..)?;
        if alone && value.trim_start().starts_with('=') {
            return Some(value);
        }
        from = end;
    }
}

/// The whole number of a field.
pub(super) fn count(line: &str, name: &str) -> Option<u64> {
    number(field(line, name)?)
}

/// A size with a binary or decimal unit (`18.2 GiB`, `512 MB`) in bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative; saturates"
)]
pub(super) fn size(text: &str) -> Option<u64> {
    let value = decimal(text)?;
    let unit = text.trim_start_matches([' ', '=', '"']);
    let unit = unit.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    let scale: f64 = [
        ("KiB", 1_024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("TiB", 1_099_511_627_776.0),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("B", 1.0),
    ]
    .into_iter()
    .find(|(name, _)| unit.starts_with(name))?
    .1;
    Some((value * scale) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_alone() {
        let line = "new prompt, n_ctx_slot = 32768, n_keep = 0, task.n_tokens = 8711";
        assert_eq!(count(line, "n_tokens"), None);
        assert_eq!(count(line, "task.n_tokens"), Some(8_711));
        assert_eq!(count("a total=49091 left=14275", "total"), Some(49_091));
        assert_eq!(count("total 12", "total"), None);
        assert_eq!(count("total=", "total"), None);
        assert_eq!(count("größe = 7 total = 9", "total"), Some(9));
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("\"1.5 KiB\"", Some(1_536)), ("=2 GB", Some(2_000_000_000)), ("7", None), ("", None)]
        {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
