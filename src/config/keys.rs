//! The user's own keys: the table `[keys]` of the file, command = key or list of keys.
//!
//! What the names and keys mean is the front's to know; here they are read with their lines.

use toml::de::{DeTable, DeValue};

/// The table.
pub(super) const TABLE: &str = "keys";

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysLine {
    /// The command's name.
    pub name: String,
    /// The keys it is to have.
    pub keys: Vec<String>,
    /// Where it stands in the file, from 1.
    pub line: usize,
}

/// Reads the table; `line` turns an offset into a line.
pub(super) fn read(
    table: &DeTable<'_>,
    line: impl Fn(usize) -> usize,
    wrong: &mut Vec<super::profiles::Wrong>,
) -> Vec<KeysLine> {
    let mut lines = Vec::new();
    for (name, value) in table {
        let at = name.span().start;
        let words = match value.get_ref() {
            DeValue::String(key) => Some(vec![key.to_string()]),
            DeValue::Array(keys) => {
                keys.iter().map(|key| key.get_ref().as_str().map(str::to_owned)).collect()
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => None,
        };
        let name = name.get_ref().to_string();
        match words {
            Some(keys) => lines.push(KeysLine { name, keys, line: line(at) }),
            None => {
                let message = "expected a key like \"f12\", or a list of keys".to_owned();
                wrong.push((at, format!("{TABLE}.{name}"), message));
            }
        }
    }
    lines.sort_by_key(|read| read.line);
    lines
}

/// What the reference says of the table.
pub(super) const REFERENCE: &str = "
## [keys]

Other keys for lcc's commands, by the names that `docs/KEYS.md` lists. A command that is named has
the keys of its line and no others. `lcc config check` says what is wrong with a line, and what
Claude Code loses by a key that it uses itself.

```toml
[keys]
compact = [\"f12\", \"leader c\"]
log = \"leader o\"
theme = \"none\"
```

Type: a key or a list of keys: F-keys, `ctrl-` or `alt-` and a character, `leader` and a character,
`none`. No variable, no flag.
";
