//! Sentences in which something was decided, found by their words.

/// A longer sentence explains and does not decide.
const LONGEST: usize = 220;
/// A shorter one says nothing by itself.
const SHORTEST: usize = 12;

/// Words of somebody who chooses, rules out or asks for a way of doing it.
const MARKS: [&str; 34] = [
    " instead of ",
    " rather than ",
    " instead.",
    " decided ",
    " decision ",
    " we chose ",
    " i chose ",
    " i choose ",
    " i'll go with ",
    " let's go with ",
    " going with ",
    " go with ",
    " we will use ",
    " we'll use ",
    " i'll use ",
    " i will use ",
    " let's use ",
    " please use ",
    " switch to ",
    " switched to ",
    " stick with ",
    " don't use ",
    " do not use ",
    " don't change ",
    " do not change ",
    " don't touch ",
    " do not touch ",
    " must not ",
    " must stay ",
    " should stay ",
    " never ",
    " always ",
    " prefer ",
    " no longer ",
];

/// The sentences of a text that state a choice, as they stand.
pub(super) fn choices(text: &str) -> Vec<&str> {
    sentences(text).into_iter().filter(|sentence| decides(sentence)).collect()
}

fn decides(sentence: &str) -> bool {
    if !(SHORTEST..=LONGEST).contains(&sentence.len()) || sentence.ends_with('?') {
        return false;
    }
    // Blanks around, so that a mark is found at either end; one form of apostrophe.
    let plain = format!(" {} ", sentence.to_lowercase().replace('’', "'"));
    MARKS.iter().any(|mark| plain.contains(mark))
}

/// The sentences of a text, without what stands in code blocks. A dot inside a word or a number
/// ends none.
fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut code = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        if code {
            continue;
        }
        let line = line.trim_start_matches(['-', '*', '>', '#', ' ']);
        let mut from = 0;
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let ends = matches!(c, '.' | '!' | '?' | '。')
                && chars.peek().is_none_or(|(_, next)| next.is_whitespace() || c == '。');
            if ends {
                let end = at + c.len_utf8();
                out.extend(line.get(from..end).map(str::trim));
                from = end;
            }
        }
        out.extend(line.get(from..).map(str::trim));
    }
    out.retain(|sentence| !sentence.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_decide() {
        for (text, want) in [
            (
                "Use sqlite instead of postgres. Then go on.",
                vec!["Use sqlite instead of postgres."],
            ),
            (
                "I looked. I'll go with v1.2 of the crate! Good?",
                vec!["I'll go with v1.2 of the crate!"],
            ),
            ("- don’t touch the migrations", vec!["don’t touch the migrations"]),
            ("Should we switch to tokio?", vec![]),
            ("never", vec![]),
            ("```\nlet x = 1; // never do this at home\n```\nfine", vec![]),
            ("The whole file reads well.", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(choices(text), want, "{text:?}");
        }
        let long = format!("we never {}", "x ".repeat(200));
        assert_eq!(choices(&long), Vec::<&str>::new());
    }
}
