//! Which files and folders hold credentials and are never shown, whoever asks.

use std::path::Path;

/// Names of files that hold credentials, wherever they lie.
const FILES: &[&str] = &[
    "credentials",
    "credentials.toml",
    "credentials.json",
    "credentials.db",
    "application_default_credentials.json",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".bunfig.toml",
    ".pypirc",
    "pip.conf",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".pgpass",
    ".my.cnf",
    ".vault-token",
    "auth.json",
    "auth.toml",
    ".env",
    ".dockercfg",
    ".htpasswd",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "id_dsa",
    "kubeconfig",
    "settings.xml",
    "gradle.properties",
];

/// Folders below a home whose whole content is nobody else's business.
const FOLDERS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".claude",
    ".config/gh",
    ".config/gcloud",
    ".config/op",
    ".config/hub",
    ".config/git",
    ".config/google-chrome",
    ".config/chromium",
    ".config/lcc",
    ".config/rclone",
    ".local/share/keyrings",
    ".local/share/uv/credentials",
    ".local/state/lcc",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    "Library/Keychains",
];

/// Whether this path is, or lies in, a place of credentials.
#[must_use]
pub fn is_credential(path: &Path, home: Option<&Path>) -> bool {
    let by_name =
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| FILES.contains(&name));
    let inside = home.is_some_and(|home| FOLDERS.iter().any(|at| path.starts_with(home.join(at))));
    by_name || inside
}

/// Whether showing this folder whole would show a place of credentials.
#[must_use]
pub fn holds_credentials(path: &Path, home: Option<&Path>) -> bool {
    is_credential(path, home)
        || home.is_some_and(|home| {
            home.starts_with(path) || FOLDERS.iter().any(|at| home.join(at).starts_with(path))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_credentials_are_known_with_what_lies_in_and_above_them() {
        let home = Some(Path::new("/home/ada"));
        for path in [
            "/home/ada/.ssh",
            "/home/ada/.ssh/x/y",
            "/home/ada/.config/gh/hosts.yml",
            "/x/.npmrc",
            "/home/ada/.cargo/credentials.toml",
            "/home/ada/.m2/settings.xml",
        ] {
            assert!(is_credential(Path::new(path), home), "{path}");
        }
        for path in ["/home/ada", "/home", "/", "/home/ada/.config", "/home/ada/.m2"] {
            assert!(holds_credentials(Path::new(path), home), "{path}");
            assert!(!is_credential(Path::new(path), home), "{path}");
        }
        for path in ["/home/ada/.m2/repository", "/home/ada/notes", "/opt/jdk", "/home/bob/.x"] {
            assert!(!holds_credentials(Path::new(path), home), "{path}");
        }
    }
}
