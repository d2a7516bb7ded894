//! Expressions as the profile language has them, matched in time bounded by text and expression.

/// Groups within groups, at most.
const DEPTH: usize = 32;

/// An expression, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What a text must begin with; most expressions are about the paths below one folder.
    beginning: Vec<u8>,
    /// What must follow there, or anywhere where no beginning is known.
    rest: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// Any byte but those, or only those.
    One {
        bytes: Vec<(u8, u8)>,
        none_of: bool,
    },
    Start,
    End,
    Then(Vec<Node>),
    Or(Vec<Node>),
    /// So many times at least, and at most once more than that or without limit.
    Repeat {
        what: Box<Node>,
        least: usize,
        endless: bool,
    },
}

impl Pattern {
    /// Reads an expression; `None` when it is none that the language knows.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.as_bytes() };
        let node = reader.either(0)?;
        reader.rest.is_empty().then(|| Self::begun(node))
    }

    fn begun(node: Node) -> Self {
        let whole = |rest| Self { beginning: Vec::new(), rest };
        let mut nodes = match node {
            Node::Or(mut ways) if ways.len() == 1 => match ways.pop() {
                Some(Node::Then(nodes)) if nodes.first() == Some(&Node::Start) => nodes,
                Some(only) => return whole(only),
                None => return whole(Node::Or(Vec::new())),
            },
            other => return whole(other),
        };
        let beginning: Vec<u8> = nodes.iter().skip(1).map_while(single).collect();
        // `^` stays where nothing is known of the beginning: it is then what must match first.
        nodes.drain(..if beginning.is_empty() { 0 } else { beginning.len() + 1 });
        Self { beginning, rest: Node::Then(nodes) }
    }

    /// Whether it matches anywhere in the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        if self.beginning.is_empty() {
            return !ends(&self.rest, text, (0..=text.len()).collect()).is_empty();
        }
        text.starts_with(&self.beginning)
            && !ends(&self.rest, text, vec![self.beginning.len()]).is_empty()
    }
}

/// The byte that a node matches, where it is exactly one.
fn single(node: &Node) -> Option<u8> {
    match node {
        Node::One { bytes, none_of: false } => match bytes.as_slice() {
            [(from, to)] if from == to => Some(*from),
            _ => None,
        },
        Node::One { none_of: true, .. }
        | Node::Start
        | Node::End
        | Node::Then(_)
        | Node::Or(_)
        | Node::Repeat { .. } => None,
    }
}

/// The places where a match can end that begins at one of `places`. Both are in order, each once.
fn ends(node: &Node, text: &[u8], mut places: Vec<usize>) -> Vec<usize> {
    match node {
        Node::One { bytes, none_of } => {
            places.retain_mut(|at| {
                let here = text.get(*at).is_some_and(|byte| {
                    bytes.iter().any(|(from, to)| (from..=to).contains(&byte)) != *none_of
                });
                *at += 1;
                here
            });
            places
        }
        Node::Start => {
            places.retain(|at| *at == 0);
            places
        }
        Node::End => {
            places.retain(|at| *at == text.len());
            places
        }
        Node::Then(nodes) => {
            for node in nodes {
                if places.is_empty() {
                    break;
                }
                places = ends(node, text, places);
            }
            places
        }
        Node::Or(nodes) => {
            let each = nodes.iter().map(|node| ends(node, text, places.clone()));
            ordered(each.flatten().collect())
        }
        Node::Repeat { what, least, endless } => {
            for _ in 0..*least {
                places = ends(what, text, places);
            }
            let mut reached = vec![false; text.len() + 1];
            let mut all = places.clone();
            loop {
                for at in &places {
                    if let Some(known) = reached.get_mut(*at) {
                        *known = true;
                    }
                }
                places = ends(what, text, places);
                places.retain(|at| reached.get(*at) == Some(&false));
                if places.is_empty() {
                    return ordered(all);
                }
                all.extend(&places);
                if !endless {
                    return ordered(all);
                }
            }
        }
    }
}

fn ordered(mut places: Vec<usize>) -> Vec<usize> {
    places.sort_unstable();
    places.dedup();
    places
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn either(&mut self, depth: usize) -> Option<Node> {
        let mut ways = vec![self.sequence(depth)?];
        while self.peek() == Some(b'|') {
            self.next();
            ways.push(self.sequence(depth)?);
        }
        Some(Node::Or(ways))
    }

    fn sequence(&mut self, depth: usize) -> Option<Node> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            let what = self.single(depth)?;
            let what = match self.peek() {
                Some(b'*') => Node::Repeat { what: what.into(), least: 0, endless: true },
                Some(b'+') => Node::Repeat { what: what.into(), least: 1, endless: true },
                Some(b'?') => Node::Repeat { what: what.into(), least: 0, endless: false },
                _ => {
                    nodes.push(what);
                    continue;
                }
            };
            self.next();
            nodes.push(what);
        }
        Some(Node::Then(nodes))
    }

    fn single(&mut self, depth: usize) -> Option<Node> {
        let one = |byte| Node::One { bytes: vec![(byte, byte)], none_of: false };
        Some(match self.next()? {
            b'^' => Node::Start,
            b'$' => Node::End,
            b'.' => Node::One { bytes: Vec::new(), none_of: true },
            b'\\' => one(self.next()?),
            b'[' => self.set()?,
            b'(' if depth < DEPTH => {
                let inner = self.either(depth + 1)?;
                (self.next()? == b')').then_some(inner)?
            }
            b'(' | b'*' | b'+' | b'?' | b'{' => return None,
            byte => one(byte),
        })
    }

    fn set(&mut self) -> Option<Node> {
        let none_of = self.peek() == Some(b'^');
        if none_of {
            self.next();
        }
        let mut bytes = Vec::new();
        loop {
            let from = match self.next()? {
                b']' if !bytes.is_empty() => return Some(Node::One { bytes, none_of }),
                b'\\' => self.next()?,
                byte => byte,
            };
            let range = self.peek() == Some(b'-') && self.rest.get(1).is_some_and(|b| *b != b']');
            let to = if range {
                self.next();
                self.next()?
            } else {
                from
            };
            bytes.push((from, to));
        }
    }
}

/// The text as an expression that matches it and nothing else.
#[must_use]
pub fn quote(text: &str) -> String {
    let special = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '/' && c != ' ';
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expressions_match_as_they_read() {
        let table = [
            ("abc", "xabcx", true),
            ("^abc$", "xabc", false),
            ("^abc$", "abc", true),
            ("^/a/(.*/)?b$", "/a/b", true),
            ("^/a/(.*/)?b$", "/a/x/y/b", true),
            ("^/a/(.*/)?b$", "/a/xb", false),
            ("[aA][^/]+c", "Axxc", true),
            ("[aA][^/]+c", "Ax/c", false),
            ("[^ -~]", "plain text", false),
            ("[^ -~]", "gr\u{f6}sse", true),
            ("a|b|^$", "", true),
            ("(a|b)*c", "ababc", true),
            ("\\.git", "xgit", false),
            ("\\.git", ".git", true),
            ("^(a*)*$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
            ("[]a]", "]", true),
            ("x?y", "y", true),
        ];
        for (pattern, text, expected) in table {
            let read = Pattern::read(pattern).unwrap();
            assert_eq!(read.matches(text), expected, "{pattern} {text}");
        }
        for wrong in ["(", ")", "a)", "[a", "*a", "\\", "+", "(a", "a{2}", "[]"] {
            assert_eq!(Pattern::read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_matches_itself_alone(text in "\\PC{0,20}", other in "\\PC{0,20}") {
            let pattern = Pattern::read(&format!("^{}$", quote(&text))).unwrap();
            prop_assert!(pattern.matches(&text));
            prop_assert_eq!(pattern.matches(&other), text == other);
        }

        #[test]
        fn any_expression_is_read_or_refused(pattern in "[a-c\\[\\]()*+?|^$.\\\\-]{0,24}", text in "[a-c]{0,12}") {
            if let Some(pattern) = Pattern::read(&pattern) {
                let _either = pattern.matches(&text);
            }
        }
    }
}
