//! Which files other programs trust, and which program it is.

use std::{ffi::OsStr, path::Path};

/// Kept read-only in the strict tier, relative to the project; what is below one is too.
pub const BLOCKED: &[&str] = &[
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/commondir",
    ".git/info/attributes",
    ".git/modules",
    ".git/worktrees",
    ".gitmodules",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks",
    ".claude/commands",
    ".claude/agents",
    ".claude/skills",
    ".claude/workflows",
    ".claude/routines",
    ".claude/scheduled_tasks.json",
    ".claude/launch.json",
    ".mcp.json",
    ".envrc",
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/launch.json",
    ".idea",
];

const GIT: &str = "git";
const EDITOR: &str = "an editor";
const SHELL: &str = "direnv or a version manager";
const HOOKS: &str = "a manager of git hooks";
const NODE: &str = "npm, yarn, pnpm or bun";
const BUILD: &str = "a build tool";
const CARGO: &str = "cargo";
const PYTHON: &str = "Python or its tools";
const CI: &str = "the CI service";
const CONTAINER: &str = "docker or a devcontainer";
const AGENT: &str = "coding agents, as instructions or settings";
const START: &str = "a program started in this folder";

/// Names of files, wherever they lie.
const NAMES: &[(&str, &[&str])] = &[
    (GIT, &[".gitattributes", ".gitmodules", ".gitconfig"]),
    (
        SHELL,
        &[
            ".envrc",
            ".tool-versions",
            "mise.toml",
            ".mise.toml",
            ".nvmrc",
            ".node-version",
            ".python-version",
            ".ruby-version",
            ".sdkmanrc",
        ],
    ),
    (
        HOOKS,
        &[
            ".pre-commit-config.yaml",
            ".pre-commit-config.yml",
            ".pre-commit-hooks.yaml",
            "lefthook.yml",
            ".lefthook.yml",
            "lefthook.yaml",
            ".lintstagedrc",
            ".huskyrc",
        ],
    ),
    (
        NODE,
        &[
            "package.json",
            ".npmrc",
            "bunfig.toml",
            ".yarnrc",
            ".yarnrc.yml",
            ".pnpmfile.cjs",
            "pnpm-workspace.yaml",
            "binding.gyp",
            "deno.json",
            "deno.jsonc",
        ],
    ),
    (
        BUILD,
        &[
            "Makefile",
            "makefile",
            "GNUmakefile",
            "justfile",
            "Justfile",
            ".justfile",
            "Taskfile.yml",
            "Taskfile.yaml",
            "CMakeLists.txt",
            "CMakePresets.json",
            "meson.build",
            "configure",
            "BUILD",
            "BUILD.bazel",
            "WORKSPACE",
            "MODULE.bazel",
            ".bazelrc",
            "Rakefile",
            "Gemfile",
            "build.gradle",
            "build.gradle.kts",
            "settings.gradle",
            "settings.gradle.kts",
            "gradlew",
            "mvnw",
            "pom.xml",
            "build.sbt",
            "build.zig",
            "SConstruct",
            "wscript",
            "flake.nix",
            "shell.nix",
            "default.nix",
            "Procfile",
            ".eslintrc.js",
            ".eslintrc.cjs",
            ".prettierrc.js",
            ".babelrc.js",
            "gulpfile.js",
            "Gruntfile.js",
            "Package.swift",
            "mix.exs",
            "dune",
        ],
    ),
    (CARGO, &["build.rs", "rust-toolchain", "rust-toolchain.toml"]),
    (
        PYTHON,
        &[
            "conftest.py",
            "setup.py",
            "setup.cfg",
            "pyproject.toml",
            "tox.ini",
            "noxfile.py",
            "pytest.ini",
            "sitecustomize.py",
            "usercustomize.py",
            "pyvenv.cfg",
            "manage.py",
        ],
    ),
    (
        CI,
        &[
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "azure-pipelines.yml",
            ".drone.yml",
            ".travis.yml",
            "bitbucket-pipelines.yml",
            ".cirrus.yml",
            "appveyor.yml",
            "action.yml",
            "action.yaml",
        ],
    ),
    (
        CONTAINER,
        &[
            "Dockerfile",
            "Containerfile",
            "docker-compose.yml",
            "docker-compose.yaml",
            "compose.yml",
            "compose.yaml",
            "Vagrantfile",
            ".devcontainer.json",
            "Tiltfile",
        ],
    ),
    (
        AGENT,
        &[
            "CLAUDE.md",
            "CLAUDE.local.md",
            "AGENTS.md",
            "GEMINI.md",
            ".mcp.json",
            ".cursorrules",
            ".windsurfrules",
            ".clinerules",
            ".aider.conf.yml",
        ],
    ),
    (
        START,
        &[
            ".gdbinit",
            ".lldbinit",
            ".vimrc",
            ".exrc",
            ".nvim.lua",
            ".nvimrc",
            ".Rprofile",
            ".irbrc",
            ".pryrc",
            ".octaverc",
            ".ripgreprc",
            ".bashrc",
            ".profile",
            ".bash_profile",
            ".zshrc",
            ".zprofile",
            ".inputrc",
            ".tmux.conf",
            ".dir-locals.el",
            ".editorconfig",
        ],
    ),
];

/// Folders whose whole content is trusted, wherever they lie.
const FOLDERS: &[(&str, &[&str])] = &[
    (EDITOR, &[".vscode", ".idea", ".cursor", ".zed", ".fleet", ".vs", ".nova"]),
    (CONTAINER, &[".devcontainer"]),
    (HOOKS, &[".husky", ".githooks"]),
    (CI, &[".circleci", ".buildkite", ".woodpecker"]),
    (AGENT, &[".claude", ".codex", ".gemini", ".opencode", ".agents"]),
    (BUILD, &[".mvn"]),
];

/// Folders by their last two names.
const DEEP_FOLDERS: &[(&str, &str, &str)] = &[
    (CI, ".github", "workflows"),
    (CI, ".github", "actions"),
    (CI, ".forgejo", "workflows"),
    (CI, ".gitea", "workflows"),
    (CARGO, ".cargo", ""),
    (NODE, ".yarn", "releases"),
    (NODE, ".yarn", "plugins"),
    (NODE, "node_modules", ".bin"),
    (BUILD, "gradle", "wrapper"),
    (AGENT, ".github", "agents"),
];

/// Who runs or heeds the file at this path (relative to the project) without asking; `None` for
/// an ordinary file. What lies in `.git` is judged by [`in_git`].
#[must_use]
pub fn reader(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let parents: Vec<&str> = path
        .parent()
        .into_iter()
        .flat_map(Path::iter)
        .map(|part| part.to_str().unwrap_or_default())
        .collect();
    let by_name = NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(who, _)| *who);
    let by_folder = || {
        FOLDERS
            .iter()
            // The name itself, too: a link in the place of the folder.
            .find(|(_, folders)| {
                parents.iter().chain([&name]).any(|parent| folders.contains(parent))
            })
            .map(|(who, _)| *who)
    };
    let deep = || {
        DEEP_FOLDERS
            .iter()
            .find(|(_, first, second)| {
                parents.windows(2).any(|pair| pair == [*first, *second])
                    || (second.is_empty() && parents.last() == Some(first))
            })
            .map(|(who, ..)| *who)
    };
    let venv = || {
        let bin = parents.last().is_some_and(|parent| ["bin", "Scripts"].contains(parent));
        let home = parents.iter().rev().nth(1);
        let known = home.is_some_and(|home| [".venv", "venv", "env", ".env"].contains(home));
        ((bin && known) || name.ends_with(".pth")).then_some(PYTHON)
    };
    let by_end = || {
        let script = [".config.js", ".config.cjs", ".config.mjs", ".config.ts", ".config.mts"];
        if script.iter().any(|end| name.ends_with(end)) || name.ends_with(".mk") {
            Some(BUILD)
        } else if name.starts_with("Dockerfile.") {
            Some(CONTAINER)
        } else {
            None
        }
    };
    by_name.or_else(by_folder).or_else(deep).or_else(venv).or_else(by_end)
}

/// The same for a path relative to a git folder (`.git`, or a bare repository).
#[must_use]
pub fn in_git(path: &Path) -> Option<&'static str> {
    let first = path.iter().next().and_then(OsStr::to_str).unwrap_or_default();
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let alone = path.components().count() == 1;
    let settings = ["config", "config.worktree", "commondir", "gitdir"].contains(&name);
    let hooks = path.iter().any(|part| part == "hooks");
    match first {
        "modules" | "worktrees" if settings || hooks => Some(GIT),
        "hooks" => Some(GIT),
        "info" if name == "attributes" => Some(GIT),
        _ if alone && settings => Some(GIT),
        _ => None,
    }
}

/// Whether the strict tier keeps this path as it is.
#[must_use]
pub fn is_blocked(path: &Path) -> bool {
    BLOCKED.iter().any(|blocked| path.starts_with(blocked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_hand_off_is_known() {
        for (path, who) in [
            ("package.json", NODE),
            ("web/package.json", NODE),
            ("node_modules/.bin/tsc", NODE),
            (".github/workflows/ci.yml", CI),
            (".gitlab-ci.yml", CI),
            ("Makefile", BUILD),
            ("src/deep/CMakeLists.txt", BUILD),
            ("vite.config.ts", BUILD),
            ("crates/a/build.rs", CARGO),
            (".cargo/config.toml", CARGO),
            ("tests/conftest.py", PYTHON),
            (".venv/bin/python", PYTHON),
            ("venv/pyvenv.cfg", PYTHON),
            (".envrc", SHELL),
            (".husky/pre-commit", HOOKS),
            (".vscode/tasks.json", EDITOR),
            (".idea/runConfigurations/a.xml", EDITOR),
            (".claude/settings.json", AGENT),
            ("CLAUDE.md", AGENT),
            (".mcp.json", AGENT),
            (".gitattributes", GIT),
            (".devcontainer/devcontainer.json", CONTAINER),
            (".npmrc", NODE),
        ] {
            assert_eq!(reader(Path::new(path)), Some(who), "{path}");
        }
        for path in ["src/main.rs", "README.md", "bin/tool", "a.json", "hooks/x", "docs/make.md"] {
            assert_eq!(reader(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn of_git_the_settings_and_hooks_count() {
        for path in [
            "config",
            "config.worktree",
            "commondir",
            "hooks/pre-commit",
            "info/attributes",
            "modules/a/config",
            "modules/a/hooks/x",
            "worktrees/w/commondir",
            "worktrees/w/gitdir",
        ] {
            assert_eq!(in_git(Path::new(path)), Some(GIT), "{path}");
        }
        for path in ["HEAD", "index", "objects/ab/cd", "refs/heads/config", "logs/HEAD"] {
            assert_eq!(in_git(Path::new(path)), None, "{path}");
        }
        assert!(is_blocked(Path::new(".git/hooks/pre-commit")));
        assert!(!is_blocked(Path::new("sub/.git/config")));
    }
}
