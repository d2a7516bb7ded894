//! Attempts 24 to 40: files of the project that other programs trust later.

use super::{
    Case, Way,
    files::{changes, rename, write},
    harmless, profile, stopped,
};
use crate::engine::sandbox::macos::evaluate::Attempt;

pub(super) fn cases(
    p: &impl Fn(&str) -> String,
    ps: &impl Fn(&[&str]) -> Vec<String>,
    state: &str,
) -> Vec<Case> {
    const REPORTED: &str = "it is the project's own work; the report after the session names it";
    let allowed = |names: &[&str]| -> Vec<Way> {
        names
            .iter()
            .map(|name| harmless("change a file that tools run", REPORTED, write(&p(name))))
            .collect()
    };
    vec![
        profile(
            24,
            changes(
                "git's hooks",
                &ps(&[
                    ".git/hooks",
                    ".git/hooks/pre-commit",
                    ".git/hooks/a/b",
                    "sub/.git/hooks/post-merge",
                ]),
            ),
        ),
        profile(25, changes("git's settings", &ps(&[".git/config", "sub/.git/config"]))),
        profile(
            26,
            vec![
                stopped("move .git away", rename(&p(".git"), &p(".git2"))),
                stopped("put another .git there", rename(&p("made"), &p(".git"))),
                stopped(
                    "move the project away",
                    rename(p("").trim_end_matches('/'), &format!("{state}/.cache/p")),
                ),
                stopped(
                    "put another project there",
                    vec![Attempt::on("file-write-create", p("").trim_end_matches('/'))],
                ),
                stopped("move .claude away", rename(&p(".claude"), &p(".c2"))),
                stopped("put another .claude there", rename(&p("made"), &p(".claude"))),
                stopped("move a repository's .git below", rename(&p("sub/.git"), &p("sub/x"))),
                stopped(
                    "swap two folders",
                    vec![
                        Attempt::on("file-write-unlink", p(".git/info")),
                        Attempt::on("file-write-create", p(".git/info")),
                    ],
                ),
            ],
        ),
        profile(27, changes("a worktree's settings", &ps(&[".git/config.worktree"]))),
        profile(28, changes("where git looks for a repository", &ps(&[".git/commondir"]))),
        profile(
            29,
            changes(
                "repositories within",
                &ps(&[
                    ".git/modules/m/config",
                    ".git/modules/m/hooks/x",
                    ".git/worktrees/w/commondir",
                    ".git/worktrees/w/config.worktree",
                ]),
            ),
        ),
        profile(30, {
            let mut ways = changes("a pointer to another repository", &ps(&[".git", "sub/.git"]));
            // Times and attributes of the folder change as git works; they say nothing.
            ways.retain(|way| {
                way.steps.iter().all(|step| {
                    !matches!(step.operation, "file-write-times" | "file-write-xattr" | "file-link")
                })
            });
            ways
        }),
        profile(31, allowed(&["HEAD", "config", "objects/x", "refs/heads/m"])),
        profile(32, {
            let mut ways =
                changes("git's modules and filters", &ps(&[".gitmodules", ".git/info/attributes"]));
            ways.extend(allowed(&[".gitattributes"]));
            ways
        }),
        profile(
            33,
            changes(
                "Claude Code's settings",
                &ps(&[
                    ".claude/settings.json",
                    ".claude/settings.local.json",
                    ".claude/hooks/x",
                    ".claude/commands/x.md",
                    ".claude/agents/x.md",
                    ".claude/skills/x/SKILL.md",
                    ".claude/workflows/x",
                    ".claude/launch.json",
                    ".claude/scheduled_tasks.json",
                    "packages/a/.claude/settings.json",
                ]),
            ),
        ),
        profile(34, changes("servers of tools", &ps(&[".mcp.json", "packages/a/.mcp.json"]))),
        profile(35, allowed(&["CLAUDE.md", "AGENTS.md"])),
        profile(
            36,
            changes(
                "what editors run",
                &ps(&[
                    ".vscode/tasks.json",
                    ".vscode/settings.json",
                    ".vscode/launch.json",
                    ".idea/workspace.xml",
                ]),
            ),
        ),
        profile(37, {
            let mut ways = changes("what a shell runs", &ps(&[".envrc", "sub/.envrc"]));
            ways.extend(allowed(&[".tool-versions", "mise.toml", ".pre-commit-config.yaml"]));
            ways
        }),
        profile(38, allowed(&["package.json", "Makefile", "build.rs", "conftest.py", ".npmrc"])),
        profile(
            39,
            vec![
                stopped("a program where the shell looks", write("/usr/local/bin/git")),
                stopped("a program of Homebrew's", write("/opt/homebrew/bin/git")),
                stopped(
                    "change the system's git",
                    vec![Attempt::on("file-write-data", "/usr/bin/git")],
                ),
            ],
        ),
        profile(
            40,
            changes(
                "other spellings",
                &ps(&[
                    ".GIT/hooks/x",
                    ".Git/Config",
                    ".CLAUDE/settings.json",
                    ".Claude/Settings.JSON",
                    ".MCP.json",
                    ".EnvRC",
                    ".VSCode/tasks.json",
                    "sub/.gIT/hOOks/x",
                ]),
            )
            .into_iter()
            .chain(
                [
                    ".git/hoo\u{212a}s",
                    ".claude/\u{17f}ettings.json",
                    ".git/con\u{fb01}g",
                    ".clau\u{200c}de",
                    ".g\u{200d}it",
                    ".v\u{17f}code",
                ]
                .iter()
                .map(|name| {
                    stopped(
                        "letters that the file system folds",
                        vec![Attempt::on("file-write-create", p(name))],
                    )
                }),
            )
            .collect(),
        ),
    ]
}
