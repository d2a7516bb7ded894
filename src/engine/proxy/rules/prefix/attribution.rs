//! The attribution line: `x-anthropic-billing-header: cc_version=2.1.197.68e; cc_entrypoint=cli;`.

/// What the line begins with.
const LINE: &str = "x-anthropic-billing-header:";

/// A text of the system prompt without the line; `None` when it does not begin with it. Empty when
/// there was nothing else.
pub(super) fn without(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(LINE)?;
    Some(rest.split_once('\n').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_alone_goes() {
        for (text, expected) in [
            ("x-anthropic-billing-header: cc_version=2.1.197.68e; cch=00000;", Some("")),
            ("x-anthropic-billing-header: a\nYou are", Some("You are")),
            ("You are x-anthropic-billing-header: a", None),
            ("", None),
        ] {
            assert_eq!(without(text), expected, "{text}");
        }
    }
}
