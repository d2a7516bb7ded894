//! The toolchains lcc knows: where each lies, which of its parts are shown, what it is told.
//!
//! Parts are named one by one, so that a credential beside them is not shown because it is not
//! named: `~/.cargo/bin` and never `~/.cargo`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Its name, for notes and tests.
    pub name: &'static str,
    /// The variable that names its folder.
    pub variable: Option<&'static str>,
    /// Where it lies without one: below the home, or absolute.
    pub places: &'static [&'static str],
    /// Its parts, relative; an empty one is the whole folder.
    pub parts: &'static [&'static str],
    /// What must be there for the folder to be it.
    pub mark: &'static str,
    /// Its folders with programs, relative, which belong on the search path.
    pub bins: &'static [&'static str],
    /// Files inside the parts that may hold credentials; `*` is any one name. They are covered.
    pub masks: &'static [&'static str],
    /// Whether the folder itself is made in memory, so that it takes locks and logs.
    pub memory: bool,
    /// What the programs are told; `@` is the folder.
    pub env: &'static [(&'static str, &'static str)],
}

const NONE: Tool = Tool {
    name: "",
    variable: None,
    places: &[],
    parts: &[],
    mark: "",
    bins: &[],
    masks: &[],
    memory: false,
    env: &[],
};

/// Every toolchain.
pub const TOOLS: &[Tool] = &[
    // Cargo writes locks into its folder, so that is made in memory; what it downloaded is shown.
    // The same path as outside: another one would rebuild every dependency.
    Tool {
        name: "cargo",
        variable: Some("CARGO_HOME"),
        places: &[".cargo"],
        parts: &[
            "bin",
            "registry/index",
            "registry/cache",
            "registry/src",
            "git/db",
            "git/checkouts",
        ],
        mark: "",
        bins: &["bin"],
        memory: true,
        env: &[("CARGO_HOME", "@"), ("CARGO_NET_OFFLINE", "true")],
        ..NONE
    },
    Tool {
        name: "rustup",
        variable: Some("RUSTUP_HOME"),
        places: &[".rustup"],
        parts: &["toolchains", "settings.toml"],
        mark: "toolchains",
        env: &[("RUSTUP_HOME", "@"), ("RUSTUP_AUTO_INSTALL", "0")],
        ..NONE
    },
    Tool {
        name: "nvm",
        variable: Some("NVM_DIR"),
        places: &[".nvm", ".config/nvm"],
        parts: &["versions", "alias", "nvm.sh", "nvm-exec", "bash_completion"],
        mark: "versions",
        masks: &["versions/node/*/etc/npmrc"],
        env: &[("NVM_DIR", "@")],
        ..NONE
    },
    Tool {
        name: "fnm",
        variable: Some("FNM_DIR"),
        places: &[".local/share/fnm", ".fnm"],
        parts: &["node-versions", "aliases"],
        mark: "node-versions",
        masks: &["node-versions/*/installation/etc/npmrc"],
        env: &[("FNM_DIR", "@")],
        ..NONE
    },
    Tool {
        name: "volta",
        variable: Some("VOLTA_HOME"),
        places: &[".volta"],
        parts: &["bin", "tools"],
        mark: "tools",
        bins: &["bin"],
        masks: &["tools/image/node/*/etc/npmrc"],
        env: &[("VOLTA_HOME", "@")],
        ..NONE
    },
    // npm's cache: what was downloaded is shown, locks and logs go to memory.
    Tool {
        name: "npm",
        variable: Some("npm_config_cache"),
        places: &[".npm"],
        parts: &["_cacache/content-v2", "_cacache/index-v5"],
        mark: "_cacache",
        memory: true,
        env: &[
            ("npm_config_cache", "@"),
            ("npm_config_offline", "true"),
            ("npm_config_audit", "false"),
            ("npm_config_fund", "false"),
            ("npm_config_update_notifier", "false"),
        ],
        ..NONE
    },
    Tool {
        name: "npm-global",
        places: &[".npm-global"],
        parts: &["bin", "lib"],
        mark: "bin",
        bins: &["bin"],
        ..NONE
    },
    Tool {
        name: "pyenv",
        variable: Some("PYENV_ROOT"),
        places: &[".pyenv"],
        parts: &[
            "bin",
            "libexec",
            "shims",
            "versions",
            "version",
            "plugins",
            "pyenv.d",
            "completions",
        ],
        mark: "versions",
        bins: &["shims", "bin"],
        masks: &["versions/*/pip.conf", "versions/*/etc/pip.conf"],
        env: &[("PYENV_ROOT", "@")],
        ..NONE
    },
    Tool {
        name: "uv",
        places: &[".local/share/uv"],
        parts: &["python", "tools"],
        mark: "",
        masks: &["python/*/pip.conf", "python/*/etc/pip.conf"],
        env: &[
            ("UV_PYTHON_INSTALL_DIR", "@/python"),
            ("UV_TOOL_DIR", "@/tools"),
            ("UV_OFFLINE", "1"),
            ("UV_PYTHON_DOWNLOADS", "never"),
        ],
        ..NONE
    },
    // Programs of its own that lie among others of the user's: file by file.
    Tool {
        name: "local-bin",
        places: &[".local/bin"],
        parts: &["uv", "uvx", "mise", "poetry", "pdm", "hatch", "pipx", "node", "npm", "npx"],
        mark: "",
        bins: &[""],
        ..NONE
    },
    Tool {
        name: "homebrew",
        variable: Some("HOMEBREW_PREFIX"),
        places: &["/home/linuxbrew/.linuxbrew", ".linuxbrew", "/opt/homebrew"],
        parts: &[
            "bin",
            "sbin",
            "lib",
            "libexec",
            "include",
            "share",
            "opt",
            "Cellar",
            "Frameworks",
            "etc/ca-certificates",
            "etc/openssl@3",
        ],
        mark: "Cellar",
        bins: &["bin", "sbin"],
        env: &[("HOMEBREW_PREFIX", "@"), ("HOMEBREW_NO_AUTO_UPDATE", "1")],
        ..NONE
    },
    Tool {
        name: "go-sdk",
        variable: Some("GOROOT"),
        places: &["/usr/local/go", ".local/go", "sdk/go"],
        parts: &["bin", "src", "pkg", "lib", "api", "misc", "VERSION", "go.env"],
        mark: "bin/go",
        bins: &["bin"],
        env: &[("GOROOT", "@")],
        ..NONE
    },
    Tool {
        name: "go",
        variable: Some("GOPATH"),
        places: &["go"],
        parts: &["bin", "pkg/mod"],
        mark: "",
        bins: &["bin"],
        env: &[
            ("GOMODCACHE", "@/pkg/mod"),
            ("GOPROXY", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOTELEMETRY", "off"),
        ],
        ..NONE
    },
    Tool {
        name: "java",
        variable: Some("JAVA_HOME"),
        parts: &[""],
        mark: "bin/java",
        bins: &["bin"],
        env: &[("JAVA_HOME", "@")],
        ..NONE
    },
    Tool {
        name: "sdkman",
        variable: Some("SDKMAN_DIR"),
        places: &[".sdkman"],
        parts: &["candidates"],
        mark: "candidates",
        env: &[("SDKMAN_DIR", "@")],
        ..NONE
    },
    Tool {
        name: "bun",
        variable: Some("BUN_INSTALL"),
        places: &[".bun"],
        parts: &["bin"],
        mark: "bin",
        bins: &["bin"],
        ..NONE
    },
    Tool {
        name: "deno",
        variable: Some("DENO_INSTALL"),
        places: &[".deno"],
        parts: &["bin"],
        mark: "bin",
        bins: &["bin"],
        ..NONE
    },
    Tool {
        name: "asdf",
        variable: Some("ASDF_DATA_DIR"),
        places: &[".asdf"],
        parts: &["bin", "lib", "libexec", "plugins", "installs", "shims", "asdf.sh"],
        mark: "installs",
        bins: &["shims", "bin"],
        env: &[("ASDF_DATA_DIR", "@")],
        ..NONE
    },
    Tool {
        name: "mise",
        variable: Some("MISE_DATA_DIR"),
        places: &[".local/share/mise"],
        parts: &["installs", "shims", "plugins"],
        mark: "installs",
        bins: &["shims"],
        env: &[("MISE_DATA_DIR", "@")],
        ..NONE
    },
];

/// Where a tool may lie for this caller, the likeliest first; all absolute.
#[must_use]
pub fn candidates(
    tool: &Tool,
    home: Option<&Path>,
    env: &BTreeMap<String, String>,
) -> Vec<PathBuf> {
    let named = tool.variable.and_then(|name| env.get(name)).map(PathBuf::from);
    let usual = tool.places.iter().filter_map(|place| {
        let place = Path::new(place);
        if place.is_absolute() { Some(place.to_owned()) } else { Some(home?.join(place)) }
    });
    named.into_iter().filter(|path| path.is_absolute()).chain(usual).collect()
}
