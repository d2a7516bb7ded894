//! Who commits: the few settings of the user's git that a commit inside needs.

use std::fmt::Write as _;

/// Settings that neither run programs nor name files.
const KEPT: [&str; 13] = [
    "user.name",
    "user.email",
    "init.defaultbranch",
    "core.autocrlf",
    "core.eol",
    "core.quotepath",
    "merge.conflictstyle",
    "pull.rebase",
    "pull.ff",
    "push.default",
    "rebase.autosquash",
    "rebase.autostash",
    "commit.verbose",
];

/// Reads `git config --list -z`: names and values, the last of a name holds.
#[must_use]
pub fn parse(listed: &str) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for entry in listed.split('\0') {
        let Some((name, value)) = entry.split_once('\n') else { continue };
        let name = name.to_ascii_lowercase();
        if KEPT.contains(&name.as_str()) && !value.chars().any(char::is_control) {
            kept.retain(|(known, _)| *known != name);
            kept.push((name, value.to_owned()));
        }
    }
    kept
}

/// The file for inside; `None` when there is nothing to say.
#[must_use]
pub fn file(settings: &[(String, String)]) -> Option<String> {
    let mut text = String::new();
    for (name, value) in settings {
        let (section, key) = name.split_once('.')?;
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = writeln!(text, "[{section}]\n\t{key} = \"{value}\"");
    }
    if text.is_empty() { None } else { Some(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_passes_and_a_program_does_not() {
        let listed = "user.name\nAda \"L\" \\\0user.email\na@b.test\0core.pager\nless\0\
            core.fsmonitor\n/x\0credential.helper\nstore\0user.signingkey\nK\0alias.x\n!sh\0\
            user.name\nAda\0include.path\n~/secret\0Init.DefaultBranch\nmain\0broken\0";
        let kept = parse(listed);
        let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user.email", "user.name", "init.defaultbranch"]);
        let text = file(&kept).unwrap();
        assert!(text.contains("[user]\n\tname = \"Ada\"\n"), "{text}");
        assert_eq!(file(&[]), None);
        let odd = file(&[("user.name".into(), "a\"b\\c".into())]).unwrap();
        assert_eq!(odd, "[user]\n\tname = \"a\\\"b\\\\c\"\n");
    }
}
