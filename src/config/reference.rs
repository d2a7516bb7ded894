//! `docs/CONFIGURATION.md`, made from the schema so that it cannot fall behind.

use std::fmt::Write as _;

use super::schema::Key;

const HEAD: &str = "\
# Configuration

<!-- Made from src/config/schema.rs; `UPDATE_DOCS=1 cargo test --test config` writes it anew. -->

A setting comes from the first of these that has it: a flag, an environment variable, the
file, the default. `lcc config show` prints every setting with its origin, `lcc config check`
says everything that is wrong with the file at once, `lcc config path` says where the file is
looked for. A mistake anywhere is an error; nothing falls back to a default in silence.

The file is `~/.config/lcc/config.toml` (`$XDG_CONFIG_HOME` is heeded), or what `--config` or
`LCC_CONFIG` names.
";

const TAIL: &str = "
## Variables without a setting

| variable | meaning |
|---|---|
| `LCC_CONFIG` | absolute path of the file; it must exist |
| `LCC_STATE_DIR` | absolute path of the state folder (sessions, logs), default `~/.local/state/lcc` |
| `LCC_LOG` | what is logged, as `tracing` filters are written, e.g. `lcc=debug` |
| `NO_COLOR` | not empty: no colour |
";

/// The text of `docs/CONFIGURATION.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for table in std::iter::once(None).chain(Key::TABLES.map(Some)) {
        let title = table.map_or_else(|| "Top of the file".to_owned(), |t| format!("[{t}]"));
        let _ = writeln!(text, "\n## {title}");
        for key in Key::ALL {
            let entry = key.entry();
            if entry.table != table {
                continue;
            }
            let flag = entry.flag.map_or_else(|| "none".to_owned(), |flag| format!("`{flag}`"));
            let _ = write!(
                text,
                "\n### `{}`\n\n{}\n\n```toml\n{}\n```\n\n\
                 Type: {}. Default: `{}`. Variable: `{}`. Flag: {flag}.\n",
                entry.name, entry.doc, entry.example, entry.kind, entry.default, entry.env,
            );
        }
    }
    text.push_str(super::keys::REFERENCE);
    text.push_str(TAIL);
    text
}
