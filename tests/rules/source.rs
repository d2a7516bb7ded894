//! Reads Rust source just well enough for the architecture rules: code without comments and
//! strings, and every path in it with its groups expanded.

/// The code alone: comments and the contents of string literals become spaces.
pub fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match (chars[at], chars.get(at + 1)) {
            ('/', Some('/')) => line_end(&chars, at),
            ('/', Some('*')) => block_end(&chars, at),
            ('"', _) => string_end(&chars, at + 1, 0, true),
            ('r', Some('"' | '#')) if !word_before(&chars, at) => raw_end(&chars, at),
            ('\'', _) => quote_end(&chars, at),
            _ => at,
        };
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

fn word_before(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n)
}

fn block_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut i = at;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                i += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize, hashes: usize, escapes: bool) -> usize {
    while at < chars.len() {
        if escapes && chars[at] == '\\' {
            at += 2;
        } else if chars[at] == '"'
            && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
        {
            return at + 1 + hashes;
        } else {
            at += 1;
        }
    }
    chars.len()
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) == Some(&'"') {
        string_end(chars, at + 2 + hashes, hashes, false)
    } else {
        at // A raw identifier.
    }
}

/// The end of a character literal; a lifetime is left as it is.
fn quote_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            let close = chars[at + 3..].iter().position(|c| *c == '\'');
            close.map_or(chars.len(), |n| at + 3 + n + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

/// The code up to its inline test module.
pub fn without_tests(code: &str) -> &str {
    let Some(at) = code.find("#[cfg(test)]") else { return code };
    code.split_at(at).0
}

/// Every path of the code, `a::{b, c::d}` as `a::b` and `a::c::d`. Single words count too.
pub fn paths(code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_word(&tokens[at]) {
            at = tree(&tokens, at, &mut Vec::new(), &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            let mut word = String::from(c);
            while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                word.push(c);
            }
            tokens.push(word);
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            tokens.push("::".to_owned());
        } else if !c.is_whitespace() {
            tokens.push(c.to_string());
        }
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Reads one path from `at`; returns where it ends.
fn tree(
    tokens: &[String],
    mut at: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> usize {
    let depth = prefix.len();
    while let Some(token) = tokens.get(at) {
        if is_word(token) || token == "*" {
            prefix.push(token.clone());
            at += 1;
        } else if token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                at = if tokens[at] == "," { at + 1 } else { tree(tokens, at, prefix, found) };
            }
            prefix.truncate(depth);
            return at + 1;
        } else {
            // Not a path after all; step over it so that the caller moves on.
            prefix.truncate(depth);
            return at + 1;
        }
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
    }
    found.push(prefix.clone());
    // `x as y` inside a group.
    if depth > 0 && tokens.get(at).is_some_and(|token| token == "as") {
        at += 2;
    }
    prefix.truncate(depth);
    at
}
