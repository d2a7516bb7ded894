//! Tables and properties of what is shown of toolchains.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::{
    Facts, Found, Outfit,
    credential::{holds_credentials, is_credential},
    plan,
    table::{TOOLS, candidates},
};
use crate::{
    domain::Tier,
    engine::sandbox::policy::{Content, Extra},
};

const HOME: &str = "/home/ada";

fn facts() -> Facts {
    Facts {
        home: Some(HOME.into()),
        project: "/home/ada/code/p".into(),
        state: "/home/ada/.local/state/lcc".into(),
        ..Facts::default()
    }
}

/// The tool with all its parts, in its usual place or another one.
fn found(name: &str, root: &str) -> Found {
    let tool = TOOLS.iter().find(|tool| tool.name == name).unwrap();
    let root = PathBuf::from(root);
    let parts = tool
        .parts
        .iter()
        .map(|part| {
            let real = if part.is_empty() { root.clone() } else { root.join(part) };
            (part.into(), real)
        })
        .collect();
    Found { tool, root, parts, masks: Vec::new() }
}

fn shows(outfit: &Outfit, path: &str) -> bool {
    let path = Path::new(path);
    let covering = outfit.mounts.iter().filter(|extra| path.starts_with(&extra.target));
    covering
        .max_by_key(|extra| extra.target.components().count())
        .is_some_and(|extra| matches!(extra.content, Content::ReadOnly(_)))
}

#[test]
fn cargo_is_shown_without_its_credentials() {
    let facts = Facts {
        found: vec![found("cargo", "/home/ada/.cargo"), found("rustup", "/home/ada/.rustup")],
        path: ["/home/ada/.cargo/bin", "/home/ada/bin", "/usr/bin", "/home/ada/code/p/bin"]
            .map(|path| (path.into(), path.into()))
            .into(),
        cargo_config: Some("[registry]\ntoken = \"t\"\n[net]\noffline = true\n".into()),
        ..facts()
    };
    let outfit = plan(&facts);
    for path in ["bin/cargo", "registry/src/x/lib.rs", "registry/cache/x/a.crate"] {
        assert!(shows(&outfit, &format!("/home/ada/.cargo/{path}")), "{path}");
    }
    for path in ["credentials.toml", "credentials", "config.toml", ".crates.toml"] {
        assert!(!shows(&outfit, &format!("/home/ada/.cargo/{path}")), "{path}");
    }
    assert!(shows(&outfit, "/home/ada/.rustup/toolchains/stable/bin/rustc"));
    assert_eq!(outfit.env["CARGO_HOME"], "/home/ada/.cargo");
    assert_eq!(outfit.env["RUSTUP_HOME"], "/home/ada/.rustup");
    assert_eq!(outfit.search_path(), "/home/ada/.cargo/bin:/usr/bin");
    let text = outfit.mounts.iter().find_map(|extra| match &extra.content {
        Content::Text(text) => Some(String::from_utf8(text.clone()).unwrap()),
        _ => None,
    });
    assert_eq!(text.unwrap(), "[net]\noffline = true\n");
}

#[test]
fn a_pane_gets_nothing_of_the_outer_terminal() {
    let outer = [
        ("TERM", "vt100"),
        ("COLUMNS", "300"),
        ("NO_COLOR", "1"),
        ("LC_ALL", "C"),
        ("LC_CTYPE", "de_DE.UTF-8"),
        ("TZ", "UTC"),
        ("MY_FLAG", "1"),
    ];
    let mut outfit = Outfit::default();
    let env = outer.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    outfit.add(Default::default(), env, Vec::new());
    let names: Vec<String> = outfit.in_pane().env.into_keys().collect();
    assert_eq!(names, ["LC_CTYPE", "MY_FLAG", "TZ"]);
}

#[test]
fn the_reduced_tier_mounts_nothing_and_still_knows_who_commits() {
    let facts = Facts {
        found: vec![found("cargo", "/home/ada/.cargo")],
        git: vec![("user.name".into(), "Ada".into()), ("user.email".into(), "a@b.test".into())],
        ..facts()
    };
    let strict = plan(&facts).in_tier(Tier::Strict);
    assert_eq!(strict.env["GIT_CONFIG_GLOBAL"], "/run/lcc/gitconfig");
    let reduced = plan(&facts).in_tier(Tier::Reduced);
    assert!(reduced.mounts.iter().all(|extra| matches!(extra.content, Content::ReadOnly(_))));
    assert!(!reduced.env.contains_key("GIT_CONFIG_GLOBAL"));
    assert_eq!(reduced.env["GIT_COMMITTER_NAME"], "Ada");
    assert_eq!(reduced.env["GIT_AUTHOR_EMAIL"], "a@b.test");
}

#[test]
fn a_root_that_shows_too_much_is_left_out() {
    for root in ["/home/ada", "/home", "/", "/home/ada/.ssh", "/home/ada/.local/state"] {
        let outfit = plan(&Facts { found: vec![found("java", root)], ..facts() });
        assert_eq!(outfit.mounts, [], "{root}");
        assert!(!outfit.env.contains_key("JAVA_HOME"));
    }
    let outfit = plan(&Facts { found: vec![found("java", "/opt/jdk")], ..facts() });
    assert_eq!(outfit.mounts, [Extra::read_only("/opt/jdk")]);
    assert_eq!(outfit.search_path(), "/opt/jdk/bin");
}

#[test]
fn a_part_that_leads_to_credentials_is_left_out() {
    let mut nvm = found("nvm", "/home/ada/.nvm");
    nvm.parts[0].1 = "/home/ada/.aws".into();
    nvm.parts[1].1 = "/data/nvm/alias".into();
    let outfit = plan(&Facts { found: vec![nvm], ..facts() });
    assert!(!outfit.mounts.iter().any(|extra| extra.source() == Some(Path::new("/home/ada/.aws"))));
    // Shown where it is named and where links inside lead.
    assert!(shows(&outfit, "/home/ada/.nvm/alias/x") && shows(&outfit, "/data/nvm/alias/x"));
}

#[test]
fn files_with_credentials_inside_a_part_are_covered() {
    let mut nvm = found("nvm", "/home/ada/.nvm");
    nvm.masks = vec!["versions/node/v22/etc/npmrc".into()];
    let outfit = plan(&Facts { found: vec![nvm], ..facts() });
    assert!(shows(&outfit, "/home/ada/.nvm/versions/node/v22/bin/node"));
    assert!(!shows(&outfit, "/home/ada/.nvm/versions/node/v22/etc/npmrc"));
}

#[test]
fn what_is_in_the_project_is_not_mounted_again() {
    let inside = found("pyenv", "/home/ada/code/p/.pyenv");
    assert_eq!(plan(&Facts { found: vec![inside], ..facts() }).mounts, []);
}

#[test]
fn every_tool_has_a_place_and_no_part_is_a_credential() {
    let env = BTreeMap::new();
    for tool in TOOLS {
        assert!(tool.variable.is_some() || !tool.places.is_empty(), "{}", tool.name);
        assert!(!tool.parts.is_empty(), "{}", tool.name);
        for root in candidates(tool, Some(Path::new(HOME)), &env) {
            for part in tool.parts {
                assert!(!holds_credentials(&root.join(part), Some(Path::new(HOME))), "{part}");
            }
        }
        for bin in tool.bins {
            let shown = tool.parts.iter().any(|part| Path::new(bin).starts_with(part));
            assert!(shown || bin.is_empty(), "{}: {bin}", tool.name);
        }
    }
}

fn root() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/home/ada".to_owned()),
        Just("/home/ada/.cargo".to_owned()),
        Just("/home/ada/code/p/x".to_owned()),
        Just("/home/ada/.local/state/lcc".to_owned()),
        Just("/home/ada/.config".to_owned()),
        Just("/".to_owned()),
        "(/[a-z .]{1,6}){1,4}",
        "/home/ada(/\\.[a-z]{2,6}){1,3}",
    ]
}

proptest! {
    #[test]
    fn never_a_credential_and_never_a_writable_path(
        tools in prop::collection::vec((0..TOOLS.len(), root(), prop::option::of(root())), 0..6),
        path in prop::collection::vec((root(), root()), 0..6),
    ) {
        let found = tools.into_iter().map(|(index, root, elsewhere)| {
            let mut found = found(TOOLS[index].name, &root);
            if let (Some(elsewhere), Some(part)) = (elsewhere, found.parts.first_mut()) {
                part.1 = elsewhere.into();
            }
            found
        }).collect();
        let path = path.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
        let facts = Facts { found, path, ..facts() };
        let outfit = plan(&facts);
        let home = facts.home.as_deref();
        for extra in &outfit.mounts {
            if let Some(source) = extra.source() {
                prop_assert!(!holds_credentials(source, home), "{}", source.display());
                prop_assert!(!holds_credentials(&extra.target, home));
                prop_assert!(!source.starts_with(&facts.state) && !facts.state.starts_with(source));
            }
            prop_assert!(!extra.target.starts_with(&facts.project));
            prop_assert!(!matches!(extra.content, Content::Writable(_)));
        }
        for entry in &outfit.path {
            prop_assert!(!is_credential(entry, home));
            prop_assert!(!entry.starts_with(&facts.project), "{}", entry.display());
            let top = outfit.mounts.iter().filter(|extra| entry.starts_with(&extra.target))
                .max_by_key(|extra| extra.target.components().count());
            prop_assert!(top.is_none_or(|extra| !extra.is_writable()), "{}", entry.display());
        }
        // Parents before children.
        for pair in outfit.mounts.windows(2) {
            prop_assert!(!pair[0].target.starts_with(&pair[1].target));
        }
    }
}
