//! The keys of the front as the settings want them.

use super::CommandError;
use crate::{
    config::{ConfigError, Loaded, Place, Problem},
    front::input::{KeyLine, KeyRemark, Keymap, Leader, configured},
};

/// The keys there are, and what is to be said about them though they hold: what Claude Code loses.
///
/// # Errors
/// [`CommandError::Usage`] with every problem of the table `[keys]`, each with its line.
pub fn keymap(loaded: &Loaded) -> Result<(Keymap, Vec<String>), CommandError> {
    let settings = &loaded.resolved.settings;
    let leader: Leader = settings.leader.parse().map_err(CommandError::usage)?;
    let lines: Vec<KeyLine> = settings
        .keys
        .iter()
        .map(|read| KeyLine { name: read.name.clone(), keys: read.keys.clone(), line: read.line })
        .collect();
    let place = |line| match &loaded.file {
        Some(path) => Place::File { path: path.clone(), line },
        None => Place::Env,
    };
    let problem = |remark: KeyRemark| Problem {
        place: place(remark.line),
        text: remark.text,
        message: remark.message,
    };
    match configured(leader, &lines) {
        Ok((keymap, remarks)) => {
            Ok((keymap, remarks.into_iter().map(|remark| problem(remark).to_string()).collect()))
        }
        Err(wrong) => {
            let problems = wrong.into_iter().map(problem).collect();
            Err(CommandError::usage(ConfigError { problems }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Layers, resolve},
        front::input::Action,
    };

    fn loaded(text: &str) -> Loaded {
        let layers =
            Layers { file: Some(("/c/config.toml".into(), text.into())), ..Layers::default() };
        Loaded { resolved: resolve(&layers).unwrap(), file: Some("/c/config.toml".into()) }
    }

    #[test]
    fn what_is_wrong_stands_with_file_and_line() {
        let file = "theme = \"dark\"\n\n[keys]\nlog = \"f2\"\nlogg = [\"f12\"]\n";
        let error = keymap(&loaded(file)).unwrap_err().to_string();
        let lines: Vec<_> = error.lines().collect();
        assert!(
            lines[0].starts_with("/c/config.toml:5: keys.logg = \"f12\": no command"),
            "{error}"
        );
        assert!(
            lines[1].starts_with("/c/config.toml:4: keys.log = \"f2\": F2 is compact's"),
            "{error}"
        );
    }

    #[test]
    fn what_claude_code_loses_is_a_remark() {
        let (keys, remarks) = keymap(&loaded("[keys]\nlog = [\"ctrl-r\", \"f8\"]\n")).unwrap();
        assert_eq!(keys.names(Action::Log), ["Ctrl-R", "F8"]);
        assert!(remarks[0].starts_with("/c/config.toml:2: keys.log"), "{remarks:?}");
        assert_eq!(keymap(&loaded("")).unwrap().1, Vec::<String>::new());
    }
}
