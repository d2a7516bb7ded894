//! What of the caller's environment may pass into the sandbox: an allow-list, and never a secret.

use std::collections::BTreeMap;

/// Variables that pass by themselves: the terminal's looks, language and time.
pub const ALLOWED: [&str; 12] = [
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "COLUMNS",
    "LINES",
    "PATH",
];

/// Names that mean a secret when one of their words is this.
const SECRET_WORDS: [&str; 20] = [
    "TOKEN",
    "TOKENS",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "KEYS",
    "APIKEY",
    "AUTH",
    "AUTHORIZATION",
    "COOKIE",
    "BEARER",
    "PAT",
    "DSN",
];
/// Names that lead to a secret or to a program of the host's.
const SECRET_NAMES: [&str; 12] = [
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "KUBECONFIG",
    "DOCKER_HOST",
    "NETRC",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DATABASE_URL",
];
/// The starts of names of whole families of credentials.
const SECRET_FAMILIES: [&str; 6] = ["AWS_", "AZURE_", "OP_", "VAULT_", "KRB5", "BW_"];
/// The starts of well-known keys.
const KEY_STARTS: [&str; 26] = [
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxs-",
    "xapp-",
    "AIza",
    "ya29.",
    "npm_",
    "pypi-",
    "hf_",
    "dckr_pat_",
    "SG.",
    "hvs.",
    "cio",
    "eyJ",
];

/// Variables that change which code a program loads, or that lcc sets itself: never passed.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    const LOADER: [&str; 11] = [
        "LD_",
        "DYLD_",
        "GLIBC_",
        "GCONV_PATH",
        "MALLOC_",
        "BASH_ENV",
        "BASH_FUNC_",
        "ENV",
        "IFS",
        "SHELLOPTS",
        "BASHOPTS",
    ];
    const OWN: [&str; 10] = [
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "PWD",
        "ANTHROPIC_",
        "CLAUDE",
        "LCC_",
        "IS_SANDBOX",
    ];
    LOADER.iter().chain(&OWN).any(|start| match start.strip_suffix('_') {
        Some(_) => name.starts_with(start),
        None if *start == "CLAUDE" => name.starts_with("CLAUDE"),
        None => name == *start,
    })
}

/// Why a name looks like a secret's; `None` when it does not.
#[must_use]
pub fn names_secret(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let word = upper.split('_').any(|word| SECRET_WORDS.contains(&word));
    let joined = ["APIKEY", "TOKEN", "SECRET", "PASSWORD"].iter().any(|end| upper.ends_with(end));
    let known = SECRET_NAMES.contains(&upper.as_str());
    let family = SECRET_FAMILIES.iter().any(|start| upper.starts_with(start));
    if word || joined {
        Some("its name says that it is a secret")
    } else if known || family {
        Some("it leads to credentials or to programs outside")
    } else {
        None
    }
}

/// Why a value looks like a secret; `None` when it does not.
#[must_use]
pub fn looks_secret(value: &str) -> Option<&'static str> {
    let value = value.trim();
    if value.contains("-----BEGIN ") {
        return Some("its value is a key in PEM form");
    }
    if value.contains("://")
        && value.split("://").skip(1).any(|rest| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            authority.contains('@')
        })
    {
        return Some("its value is an address with a password");
    }
    let body = value.split_once(' ').map_or(value, |(scheme, rest)| match scheme {
        "Bearer" | "bearer" | "Basic" | "basic" | "token" => rest,
        _ => value,
    });
    let started = KEY_STARTS
        .iter()
        .any(|start| body.strip_prefix(start).is_some_and(|rest| rest.len() >= 12 && dense(rest)));
    let amazon = ["AKIA", "ASIA"].iter().any(|start| {
        body.strip_prefix(start).is_some_and(|rest| {
            rest.len() >= 12 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
    });
    if started || amazon {
        return Some("its value has the form of a well-known key");
    }
    if random(body) {
        return Some("its value is a long random text");
    }
    None
}

fn dense(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=+/".contains(&b))
}

/// 32 and more characters of hexadecimal, or 40 and more of base64 that mix all their kinds.
fn random(text: &str) -> bool {
    let hex = text.len() >= 32
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_digit());
    let base64 = text.len() >= 40
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=+".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && text.bytes().any(|b| b.is_ascii_uppercase());
    hex || base64
}

/// What passes, and what the user is told of the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    /// The variables.
    pub env: BTreeMap<String, String>,
    /// One sentence for each wish that was not met, and for each secret that passes.
    pub notes: Vec<String>,
}

/// Picks from the caller's environment: the allowed names, and what `wanted` names. A name in full
/// passes even a secret, which is said; `PREFIX_*` never does.
#[must_use]
pub fn pass(caller: &BTreeMap<String, String>, wanted: &[String]) -> Passed {
    let mut passed = Passed::default();
    for (name, value) in caller {
        let secret = names_secret(name).or_else(|| looks_secret(value));
        let exact = wanted.iter().any(|wish| wish == name);
        let family = wanted
            .iter()
            .filter_map(|wish| wish.strip_suffix('*'))
            .any(|start| !start.is_empty() && name.starts_with(start));
        let allowed = ALLOWED.contains(&name.as_str());
        if !(exact || family || allowed) {
            continue;
        }
        if is_reserved(name) {
            passed.notes.push(format!("{name} is not passed: lcc or the sandbox depends on it"));
        } else if let Some(why) = secret
            && name != "PATH"
            && !exact
        {
            passed
                .notes
                .push(format!("{name} is not passed: {why}; name it in full to pass it anyway"));
        } else {
            if let (Some(why), true) = (secret, exact) {
                passed.notes.push(format!("{name} passes because it was named, although {why}"));
            }
            passed.env.insert(name.clone(), value.clone());
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn caller(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn secrets_are_known_by_name() {
        for name in [
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "AWS_PROFILE",
            "NPM_TOKEN",
            "DB_PASSWORD",
            "MY_PAT",
            "SSH_AUTH_SOCK",
            "client_secret",
            "HF_TOKEN",
            "SENTRY_AUTH",
            "STRIPE_KEY",
            "MYTOKEN",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "DATABASE_URL",
            "SENTRY_DSN",
            "OP_SERVICE_ACCOUNT",
        ] {
            assert!(names_secret(name).is_some(), "{name}");
        }
        for name in ["EDITOR", "LANG", "RUST_LOG", "CI", "MONKEY", "KEYBOARD", "PATHS", "COMPASS"] {
            assert!(names_secret(name).is_none(), "{name}");
        }
    }

    #[test]
    fn secrets_are_known_by_shape() {
        // Made up; put together here so that nobody's scanner takes them for real ones.
        let of = |start: &str| format!("{start}{}", "a1B2".repeat(10));
        for value in [
            of("sk-"),
            of("ghp_"),
            of("github_pat_"),
            of("xoxb-"),
            of("hf_"),
            of("glpat-"),
            of("eyJ"),
            format!("AKIA{}", "ABCD2345".repeat(2)),
            format!("-----BEGIN {} KEY-----", "PRIVATE"),
            "postgres://me:pw@db.test/x".to_owned(),
            "0123456789abcdef0123456789abcdef".to_owned(),
            of("Zz"),
            of("Bearer sk-"),
        ] {
            assert!(looks_secret(&value).is_some(), "{value}");
        }
        for value in [
            "en_US.UTF-8",
            "xterm-256color",
            "Europe/Berlin",
            "/usr/bin:/bin",
            "truecolor",
            "1",
            "http://127.0.0.1:8080/v1",
            "-C target-cpu=native -C link-arg=-fuse-ld=lld",
            "sk-",
            "some ordinary words that are longer than forty characters",
            "https://a.test/@scope/x",
        ] {
            assert!(looks_secret(value).is_none(), "{value}");
        }
    }

    #[test]
    fn only_a_name_in_full_passes_a_secret_and_it_is_said() {
        let env = caller(&[
            ("MY_FLAG", "1"),
            ("MY_TOKEN", "x"),
            ("EDITOR", "vi"),
            ("LANG", "C.UTF-8"),
            ("GITHUB_TOKEN", "x"),
            ("LD_PRELOAD", "/x.so"),
            ("ANTHROPIC_API_KEY", "k"),
            ("CLAUDE_CODE_X", "1"),
            ("HOME", "/root"),
        ]);
        let wanted = ["MY_*", "GITHUB_TOKEN", "LD_PRELOAD", "ANTHROPIC_API_KEY", "CLAUDE_*", "*"];
        let passed = pass(&env, &wanted.map(str::to_owned));
        let names: Vec<&str> = passed.env.keys().map(String::as_str).collect();
        assert_eq!(names, ["GITHUB_TOKEN", "LANG", "MY_FLAG"]);
        let said = passed.notes.join("\n");
        assert!(said.contains("MY_TOKEN is not passed"), "{said}");
        assert!(said.contains("GITHUB_TOKEN passes because it was named"), "{said}");
        assert!(said.contains("LD_PRELOAD is not passed"), "{said}");
        assert!(!said.contains("EDITOR"), "{said}");
    }

    #[test]
    fn a_secret_in_an_allowed_variable_does_not_pass() {
        let token = format!("ghp_{}", "a1B2".repeat(10));
        let passed = pass(&caller(&[("TERM", &token), ("TZ", "UTC")]), &[]);
        assert_eq!(passed.env.keys().collect::<Vec<_>>(), ["TZ"]);
    }

    proptest! {
        #[test]
        fn without_being_named_no_secret_passes(
            names in prop::collection::vec("[A-Z_]{1,12}", 0..8),
            ends in prop::collection::vec("(_TOKEN|_KEY|_SECRET||_PASSWORD|_X)", 8),
            values in prop::collection::vec("(sk-|ghp_|AKIA|)[A-Za-z0-9]{0,48}", 8),
            families in prop::collection::vec("[A-Z_]{0,3}\\*", 0..4),
        ) {
            let env: BTreeMap<String, String> = names.iter().zip(ends).zip(values)
                .map(|((name, end), value)| (format!("{name}{end}"), value)).collect();
            for (name, value) in pass(&env, &families).env {
                prop_assert!(env.get(&name) == Some(&value));
                prop_assert!(names_secret(&name).is_none() || name == "PATH");
                prop_assert!(looks_secret(&value).is_none() || name == "PATH");
                prop_assert!(!is_reserved(&name));
            }
        }
    }
}
