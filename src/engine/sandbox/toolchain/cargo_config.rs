//! Cargo's configuration file without its secrets.

use toml::{Table, Value};

/// Keys whose value is a secret or leads to one.
const SECRET: [&str; 6] =
    ["token", "secret-key", "credential-provider", "global-credential-providers", "proxy", "env"];
/// The tables that say how to build and where sources come from; aliases are the project's concern.
const KEPT: [&str; 11] = [
    "alias",
    "build",
    "cargo-new",
    "http",
    "net",
    "patch",
    "profile",
    "registries",
    "registry",
    "source",
    "target",
];

/// The same settings without tokens, credential programs, proxies and variables; `None` when the
/// text is not TOML or nothing is left.
#[must_use]
pub fn clean(text: &str) -> Option<String> {
    let mut table: Table = text.parse().ok()?;
    table.retain(|name, _| KEPT.contains(&name));
    strip(&mut table);
    if table.is_empty() { None } else { toml::to_string(&table).ok() }
}

fn strip(table: &mut Table) {
    table.retain(|name, value| {
        let secret = SECRET.contains(&name)
            || value.as_str().is_some_and(|text| super::variables::looks_secret(text).is_some());
        !secret
    });
    table.retain(|_, value| {
        let Value::Table(inner) = value else { return true };
        strip(inner);
        !inner.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stay_and_tokens_go() {
        let text = "\
            [source.crates-io]\nreplace-with = \"mirror\"\n\
            [source.mirror]\nregistry = \"sparse+https://mirror.test/index/\"\n\
            [registries.own]\nindex = \"https://user:pw@own.test/\"\ntoken = \"abc\"\n\
            [registry]\ntoken = \"cio123\"\n\
            [http]\nproxy = \"http://me:pw@proxy.test\"\ntimeout = 3\n\
            [env]\nMY_TOKEN = \"x\"\n[credential-alias]\na = [\"b\"]\n\
            [target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n";
        let clean = clean(text).unwrap();
        for kept in ["replace-with", "sparse+https://mirror.test/index/", "linker", "timeout"] {
            assert!(clean.contains(kept), "{clean}");
        }
        for gone in ["abc", "cio123", "pw", "MY_TOKEN", "credential"] {
            assert!(!clean.contains(gone), "{clean}");
        }
        assert_eq!(super::clean("[env]\nA = \"b\"\n"), None);
        assert_eq!(super::clean("not = [toml"), None);
    }
}
