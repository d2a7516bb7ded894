//! Reads rules out of words: parameters put in, definitions carried out.

use std::collections::BTreeMap;

use super::{
    Rule,
    filter::{Filter, KINDS, Test},
    operation,
    pattern::{self, Pattern},
    words::{Kind, Trouble, Word},
};

/// Definitions within definitions, at most.
const DEPTH: usize = 24;
/// Words looked at, at most: a definition that doubles itself ends.
const FUEL: usize = 400_000;

/// Longest text that is put together.
const LONGEST: usize = 16 * 1024;

/// What a word comes to.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Truth(bool),
    Bare(String),
    Filter(Filter),
}

#[derive(Debug, Clone)]
struct Function {
    names: Vec<String>,
    body: Word,
}

type Scope = BTreeMap<String, Value>;

/// The reader and what has been defined so far.
pub(super) struct Reader<'a> {
    parameters: &'a BTreeMap<String, String>,
    values: Scope,
    functions: BTreeMap<String, Function>,
    fuel: usize,
    /// Names of operations and filters that are not known here.
    pub unknown: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(parameters: &'a BTreeMap<String, String>) -> Self {
        Self {
            parameters,
            values: Scope::new(),
            functions: BTreeMap::new(),
            fuel: FUEL,
            unknown: Vec::new(),
        }
    }

    /// One form at the top; a rule, where it is one.
    pub(super) fn form(&mut self, word: &Word) -> Result<Option<Rule>, Trouble> {
        let line = word.line;
        let Kind::List(words) = &word.kind else {
            return Err(Trouble::new(line, "a word outside of any rule"));
        };
        let Some((head, rest)) = words.split_first() else {
            return Err(Trouble::new(line, "an empty list"));
        };
        match &head.kind {
            Kind::Bare(name) if name == "version" || name == "debug" => Ok(None),
            Kind::Bare(name) if name == "define" => self.define(line, rest).map(|()| None),
            Kind::Bare(name) if name == "allow" => self.rule(line, true, rest).map(Some),
            Kind::Bare(name) if name == "deny" => self.rule(line, false, rest).map(Some),
            Kind::Bare(name) => Err(Trouble::new(line, format!("{name} is not read here"))),
            Kind::List(_) | Kind::Text(_) => Err(Trouble::new(line, "this is no rule")),
        }
    }

    fn define(&mut self, line: usize, rest: &[Word]) -> Result<(), Trouble> {
        let wrong = || Trouble::new(line, "a definition has a name and a value");
        let [what, body] = rest else { return Err(wrong()) };
        match &what.kind {
            Kind::Bare(name) => {
                let value = self.value(body, &Scope::new(), 0)?;
                self.values.insert(name.clone(), value);
            }
            Kind::List(words) => {
                let names: Option<Vec<String>> = words
                    .iter()
                    .map(|word| match &word.kind {
                        Kind::Bare(name) => Some(name.clone()),
                        Kind::List(_) | Kind::Text(_) => None,
                    })
                    .collect();
                let mut names = names.ok_or_else(wrong)?;
                if names.is_empty() {
                    return Err(wrong());
                }
                let name = names.remove(0);
                self.functions.insert(name, Function { names, body: body.clone() });
            }
            Kind::Text(_) => return Err(wrong()),
        }
        Ok(())
    }

    fn rule(&mut self, line: usize, allow: bool, rest: &[Word]) -> Result<Rule, Trouble> {
        let mut operations = Vec::new();
        let mut filters = Vec::new();
        for word in rest {
            match &word.kind {
                Kind::Bare(name) => {
                    if !operation::is_known(name) {
                        self.unknown.push(name.clone());
                    }
                    operations.push(name.clone());
                }
                Kind::List(words) if is_modifier(words) => {
                    if words.iter().any(|word| word.kind == Kind::Bare("no-sandbox".to_owned())) {
                        return Err(Trouble::new(line, "no-sandbox starts programs outside"));
                    }
                }
                Kind::List(_) => {
                    let value = self.value(word, &Scope::new(), 0)?;
                    filters.push(self.filter(word.line, value)?);
                }
                Kind::Text(_) => return Err(Trouble::new(line, "a text where a filter belongs")),
            }
        }
        if operations.is_empty() {
            return Err(Trouble::new(line, "a rule without an operation"));
        }
        let filter = (!filters.is_empty()).then_some(Filter::Any(filters));
        Ok(Rule { line, allow, operations, filter })
    }

    fn filter(&mut self, line: usize, value: Value) -> Result<Filter, Trouble> {
        match value {
            Value::Filter(filter) => Ok(filter),
            Value::Text(_) | Value::Truth(_) | Value::Bare(_) => {
                Err(Trouble::new(line, "this is no filter"))
            }
        }
    }

    fn value(&mut self, word: &Word, scope: &Scope, depth: usize) -> Result<Value, Trouble> {
        let line = word.line;
        self.fuel = self
            .fuel
            .checked_sub(1)
            .ok_or_else(|| Trouble::new(line, "definitions that do not end"))?;
        match &word.kind {
            Kind::Text(text) => Ok(Value::Text(text.clone())),
            Kind::Bare(name) => Ok(match name.as_str() {
                "#t" => Value::Truth(true),
                "#f" => Value::Truth(false),
                _ => scope
                    .get(name)
                    .or_else(|| self.values.get(name))
                    .cloned()
                    .unwrap_or_else(|| Value::Bare(name.clone())),
            }),
            Kind::List(words) => {
                let Some((Word { kind: Kind::Bare(head), .. }, rest)) = words.split_first() else {
                    return Err(Trouble::new(line, "a list that begins with no name"));
                };
                if depth > DEPTH {
                    return Err(Trouble::new(line, "definitions within definitions"));
                }
                self.call(line, head, rest, scope, depth + 1)
            }
        }
    }

    fn call(
        &mut self,
        line: usize,
        head: &str,
        rest: &[Word],
        scope: &Scope,
        depth: usize,
    ) -> Result<Value, Trouble> {
        if let Some(function) = self.functions.get(head).cloned() {
            if function.names.len() != rest.len() {
                return Err(Trouble::new(line, format!("{head} wants other values")));
            }
            let mut inner = Scope::new();
            for (name, word) in function.names.iter().zip(rest) {
                inner.insert(name.clone(), self.value(word, scope, depth)?);
            }
            return self.value(&function.body, &inner, depth);
        }
        if head == "if" {
            let [condition, yes, no] = rest else {
                return Err(Trouble::new(line, "if has three parts"));
            };
            let holds = !matches!(self.value(condition, scope, depth)?, Value::Truth(false));
            return self.value(if holds { yes } else { no }, scope, depth);
        }
        let mut values = Vec::new();
        for word in rest {
            values.push(self.value(word, scope, depth)?);
        }
        match head {
            "param" => {
                let name = text(line, values.first())?;
                let value = self.parameters.get(name);
                let missing = || Trouble::new(line, format!("no parameter {name}"));
                value.cloned().map(Value::Text).ok_or_else(missing)
            }
            "string-append" => {
                let parts: Result<Vec<&str>, _> =
                    values.iter().map(|value| text(line, Some(value))).collect();
                let whole = parts?.concat();
                if whole.len() > LONGEST {
                    return Err(Trouble::new(line, "a text that is too long"));
                }
                Ok(Value::Text(whole))
            }
            "regex-quote" => Ok(Value::Text(pattern::quote(text(line, values.first())?))),
            "string=?" => {
                let same = text(line, values.first())? == text(line, values.get(1))?;
                Ok(Value::Truth(same))
            }
            "require-all" => self.several(line, values).map(|all| Value::Filter(Filter::All(all))),
            "require-any" => self.several(line, values).map(|all| Value::Filter(Filter::Any(all))),
            "require-not" => {
                let any = Filter::Any(self.several(line, values)?);
                Ok(Value::Filter(Filter::Not(Box::new(any))))
            }
            _ => self.leaf(line, head, &values).map(Value::Filter),
        }
    }

    fn several(&mut self, line: usize, values: Vec<Value>) -> Result<Vec<Filter>, Trouble> {
        values.into_iter().map(|value| self.filter(line, value)).collect()
    }

    /// A filter that holds no others; several texts are alternatives.
    fn leaf(&mut self, line: usize, head: &str, values: &[Value]) -> Result<Filter, Trouble> {
        let on_path = |test: fn(&str, usize) -> Result<Test, Trouble>| {
            let all: Result<Vec<Filter>, _> = values
                .iter()
                .map(|value| Ok(Filter::Path(test(text(line, Some(value))?, line)?)))
                .collect();
            all.map(Filter::Any)
        };
        match head {
            "literal" | "path" | "path-literal" => on_path(|t, _| Ok(Test::Exact(t.to_owned()))),
            "subpath" => on_path(|t, _| Ok(Test::Under(t.to_owned()))),
            "prefix" | "path-prefix" => on_path(|t, _| Ok(Test::Prefix(t.to_owned()))),
            "path-ancestors" => on_path(|t, _| Ok(Test::Above(t.to_owned()))),
            "regex" | "path-regex" => on_path(expression),
            "remote" | "local" => self.network(line, head == "local", values),
            _ => {
                let base = head.strip_suffix("-prefix").or_else(|| head.strip_suffix("-regex"));
                let kind = base.unwrap_or(head);
                if !KINDS.contains(&kind) {
                    self.unknown.push(head.to_owned());
                    return Ok(Filter::Unknown);
                }
                let test = |word: &str| -> Result<Test, Trouble> {
                    Ok(if head.ends_with("-prefix") {
                        Test::Prefix(word.to_owned())
                    } else if head.ends_with("-regex") {
                        expression(word, line)?
                    } else {
                        Test::Exact(word.to_owned())
                    })
                };
                let all: Result<Vec<Filter>, Trouble> = values
                    .iter()
                    .map(|value| match value {
                        Value::Text(word) | Value::Bare(word) => {
                            Ok(Filter::Word(kind.to_owned(), test(word)?))
                        }
                        Value::Truth(_) | Value::Filter(_) => {
                            Err(Trouble::new(line, format!("{head} wants a word")))
                        }
                    })
                    .collect();
                all.map(Filter::Any)
            }
        }
    }

    fn network(&mut self, line: usize, near: bool, values: &[Value]) -> Result<Filter, Trouble> {
        let Some(Value::Bare(transport)) = values.first() else {
            return Err(Trouble::new(line, "a connection without a transport"));
        };
        if transport == "unix-socket" || transport == "unix" {
            let mut all = vec![Filter::UnixSocket];
            all.extend(values.iter().skip(1).map(|value| match value {
                Value::Filter(filter) => filter.clone(),
                Value::Text(_) | Value::Truth(_) | Value::Bare(_) => Filter::Unknown,
            }));
            return Ok(Filter::All(all));
        }
        let known = ["ip", "ip4", "ip6", "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"];
        if !known.contains(&transport.as_str()) {
            self.unknown.push(transport.clone());
            return Ok(Filter::Unknown);
        }
        let transport = transport.trim_end_matches(['4', '6']).to_owned();
        let (local, port) = match values.get(1) {
            None => (false, None),
            Some(value) => {
                let address = text(line, Some(value))?;
                let wrong = || Trouble::new(line, format!("{address} is no address here"));
                let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
                let local = match host {
                    "localhost" => true,
                    "*" => false,
                    _ => return Err(wrong()),
                };
                let port = match port {
                    "*" => None,
                    number => Some(number.parse().map_err(|_| wrong())?),
                };
                (local, port)
            }
        };
        Ok(if near {
            Filter::Local { local, port }
        } else {
            Filter::Remote { transport, local, port }
        })
    }
}

/// `(with …)`: how a rule is reported, not what it decides.
fn is_modifier(words: &[Word]) -> bool {
    words.first().is_some_and(|word| word.kind == Kind::Bare("with".to_owned()))
}

fn expression(text: &str, line: usize) -> Result<Test, Trouble> {
    let wrong = || Trouble::new(line, format!("{text} is no expression that is read here"));
    Pattern::read(text).map(Test::Pattern).ok_or_else(wrong)
}

fn text(line: usize, value: Option<&Value>) -> Result<&str, Trouble> {
    match value {
        Some(Value::Text(text)) => Ok(text),
        Some(Value::Truth(_) | Value::Bare(_) | Value::Filter(_)) | None => {
            Err(Trouble::new(line, "a text in quotes is missing"))
        }
    }
}
