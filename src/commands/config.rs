//! `lcc config path|check|show`: where the settings are, whether they hold, what they are.

use std::fmt::Write as _;

use crate::config::{Key, Loaded, Paths};

/// `lcc config path`: the file that is looked for, one line.
#[must_use]
pub fn path(paths: &Paths) -> String {
    format!("{}\n", paths.config_file.display())
}

/// `lcc config check` on settings that loaded: says so, and what Claude Code loses by the keys
/// that are lcc's. What does not load is the error itself.
///
/// # Errors
/// [`super::CommandError::Usage`] with every problem of the table `[keys]`.
pub fn check(paths: &Paths, loaded: &Loaded) -> Result<String, super::CommandError> {
    let (_, remarks) = super::keys::keymap(loaded)?;
    let remarks: String = remarks.iter().map(|remark| format!("{remark}\n")).collect();
    Ok(match &loaded.file {
        Some(file) => format!("{remarks}{}: ok\n", file.display()),
        None => format!(
            "{}: not there; the defaults, the environment and the flags hold\n",
            paths.config_file.display()
        ),
    })
}

/// `lcc config show`: one line a setting, its value and its origin in columns.
#[must_use]
pub fn show(loaded: &Loaded) -> String {
    let rows: Vec<_> = Key::ALL
        .iter()
        .map(|key| {
            let value = loaded.resolved.settings.show(*key);
            (key.entry().path(), value, loaded.resolved.origin(*key).to_string())
        })
        .collect();
    let wide = |column: fn(&(String, String, String)) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
    };
    let (name, value) = (wide(|row| &row.0), wide(|row| &row.1));
    let mut text = String::new();
    for row in &rows {
        let _ = writeln!(text, "{:name$}  {:value$}  {}", row.0, row.1, row.2);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, resolve};

    #[test]
    fn show_prints_every_setting_with_its_origin() {
        let mut layers = Layers {
            file: Some(("/c/config.toml".into(), "\nwindow = 32768".into())),
            ..Layers::default()
        };
        layers.env.insert("LCC_MODEL".into(), "gemma".into());
        layers.flags.theme = Some("light".into());
        let resolved = resolve(&layers).unwrap();
        let text = show(&Loaded { resolved, file: None });
        assert_eq!(text.lines().count(), Key::ALL.len());
        for (name, value, origin) in [
            ("window", "32768", "/c/config.toml:2"),
            ("model", "gemma", "LCC_MODEL"),
            ("theme", "light", "--theme"),
            ("sandbox", "strict", "default"),
        ] {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(words, [name, value, origin]);
        }
    }
}
