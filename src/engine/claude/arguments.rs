//! The arguments Claude Code is started with, by profile and sandbox tier.

use std::ffi::OsString;

use crate::domain::Tier;

use super::Options;

/// Which conversation Claude Code opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversation {
    /// An empty one, with this id (a UUID).
    New(String),
    /// The one with this id.
    Resume(String),
    /// The last one of this project.
    Continue,
}

/// The argument list, without the program's own name. `extra` is what the user wrote after `--`.
///
/// The permission prompts are skipped only where the operating system enforces the limits.
#[must_use]
pub fn arguments(
    options: &Options,
    tier: Tier,
    model: &str,
    conversation: &Conversation,
    extra: &[OsString],
) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut add = |w: &[&str]| words.extend(w.iter().map(OsString::from));
    match tier {
        Tier::Strict | Tier::Reduced => add(&["--dangerously-skip-permissions"]),
        Tier::Off => {}
    }
    // The flags that follow end the list of tools.
    for word in &options.flags {
        add(&[word]);
    }
    add(&["--model", model]);
    match conversation {
        Conversation::New(id) => add(&["--session-id", id]),
        Conversation::Resume(id) => add(&["--resume", id]),
        Conversation::Continue => add(&["--continue"]),
    }
    words.extend_from_slice(extra);
    words
}

#[cfg(test)]
mod tests {
    use super::{super::options, *};
    use crate::domain::Profile;

    fn text(profile: Profile, tier: Tier, conversation: &Conversation) -> String {
        arguments(&options(&profile.into(), None), tier, "m", conversation, &["--verbose".into()])
            .iter()
            .map(|w| w.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn permissions_are_skipped_only_inside_a_sandbox() {
        let new = Conversation::New("u".into());
        for tier in Tier::ALL {
            assert_eq!(
                text(Profile::Full, tier, &new).contains("--dangerously-skip-permissions"),
                tier != Tier::Off,
                "{tier}"
            );
        }
    }

    #[test]
    fn each_profile_and_conversation_has_its_words() {
        assert_eq!(
            text(Profile::Lean, Tier::Strict, &Conversation::New("u".into())),
            "--dangerously-skip-permissions --tools Bash,Edit,Read,Write,Glob,Grep \
             --strict-mcp-config --model m --session-id u --verbose"
        );
        assert_eq!(
            text(Profile::Standard, Tier::Off, &Conversation::Continue),
            "--tools Bash,Edit,Read,Write,Glob,Grep,Agent,AskUserQuestion,EnterPlanMode,\
             ExitPlanMode,NotebookEdit,Skill --model m --continue --verbose"
        );
        assert_eq!(
            text(Profile::Full, Tier::Off, &Conversation::Resume("r".into())),
            "--model m --resume r --verbose"
        );
    }
}
