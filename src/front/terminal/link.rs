//! Which links of the child may be opened.

use std::path::{Component, Path, PathBuf};

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkWay {
    /// A page, by this address.
    Web(String),
    /// A file of the project, by its path.
    File(PathBuf),
    /// Nothing that is opened, and why.
    Refused(&'static str),
}

/// Endings of files that a viewer or editor shows and nothing runs. Pages and vector pictures are
/// not among them: a browser runs what is in them.
const SHOWN: [&str; 46] = [
    "txt", "md", "rst", "log", "csv", "tsv", "json", "jsonl", "toml", "yaml", "yml", "ini", "xml",
    "lock", "diff", "patch", "rs", "go", "c", "h", "cc", "cpp", "hpp", "java", "kt", "swift", "ts",
    "tsx", "jsx", "css", "scss", "sql", "proto", "tf", "hs", "ml", "ex", "erl", "zig", "png",
    "jpg", "jpeg", "gif", "webp", "bmp", "pdf",
];

/// Decides about an address as OSC 8 carries it. `project`: absolute, without links in it.
#[must_use]
pub fn way(address: &str, project: &Path) -> LinkWay {
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return LinkWay::Refused("its address has blanks or control characters in it");
    }
    let Some((scheme, rest)) = address.split_once(':') else {
        return LinkWay::Refused("it is no full address");
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => web(address, rest),
        "file" => file(rest, project),
        _ => LinkWay::Refused("lcc opens http, https and files of the project, nothing else"),
    }
}

fn web(address: &str, rest: &str) -> LinkWay {
    let host = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    match host {
        None | Some("") => LinkWay::Refused("it names no host"),
        Some(host) if host.contains('@') => {
            LinkWay::Refused("it hides its host behind a user name")
        }
        Some(_) => LinkWay::Web(address.to_owned()),
    }
}

fn file(rest: &str, project: &Path) -> LinkWay {
    let outside = LinkWay::Refused("it is no file of the project");
    let Some(rest) = rest.strip_prefix("//") else { return outside };
    // A host before the path is this machine's name, which the sandbox does not know either.
    let Some(path) = rest.find('/').and_then(|at| rest.get(at..)) else { return outside };
    let Some(path) = decoded(path) else {
        return LinkWay::Refused("its address is not encoded as addresses are");
    };
    let path = PathBuf::from(path);
    let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
    if !plain || project.parent().is_none() || path == project || !path.starts_with(project) {
        return outside;
    }
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    if SHOWN.contains(&ending.as_str()) {
        LinkWay::File(path)
    } else {
        LinkWay::Refused("files of this kind can run when they are opened")
    }
}

/// `%41` and so on as the bytes they stand for; none where that is no UTF-8 or has controls.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |d: Option<u8>| char::from(d?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_and_plain_files_of_the_project() {
        let web = |text: &str| Some(LinkWay::Web(text.to_owned()));
        let file = |text: &str| Some(LinkWay::File(PathBuf::from(text)));
        let table = [
            ("https://example.org/a?b=c#d", web("https://example.org/a?b=c#d")),
            ("http://127.0.0.1:8080", web("http://127.0.0.1:8080")),
            ("HTTPS://EXAMPLE.ORG", web("HTTPS://EXAMPLE.ORG")),
            ("file:///srv/project/src/main.rs", file("/srv/project/src/main.rs")),
            ("file://host/srv/project/a.md", file("/srv/project/a.md")),
            ("file:///srv/project/a%20b.md", file("/srv/project/a b.md")),
            ("https://bank.example@evil.example/", None),
            ("https:///nothing", None),
            ("https:example.org", None),
            ("https://a b", None),
            ("https://a\u{7}b", None),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("vscode://file/etc/passwd", None),
            ("ssh://host", None),
            ("mailto:a@b", None),
            ("x-man-page://ls", None),
            ("smb://host/share", None),
            ("steam://run/1", None),
            ("example.org", None),
            ("", None),
            ("file:///etc/passwd", None),
            ("file:///srv/project", None),
            ("file:///srv/project-evil/a.md", None),
            ("file:///srv/project/../secret.md", None),
            ("file:///srv/project/%2e%2e/secret.md", None),
            ("file:///srv/project/a%0a.md", None),
            ("file:///srv/project/a%ff.md", None),
            ("file:///srv/project/a%.md", None),
            ("file:///srv/project/run.desktop", None),
            ("file:///srv/project/run.sh", None),
            ("file:///srv/project/page.html", None),
            ("file:///srv/project/picture.svg", None),
            ("file:///srv/project/program", None),
            ("file:project/a.md", None),
        ];
        for (address, want) in table {
            let got = way(address, Path::new("/srv/project"));
            match want {
                Some(want) => assert_eq!(got, want, "{address}"),
                None => assert!(matches!(got, LinkWay::Refused(_)), "{address}: {got:?}"),
            }
        }
        let root = way("file:///etc/motd.txt", Path::new("/"));
        assert!(matches!(root, LinkWay::Refused(_)), "a project at / gives nothing away");
    }
}
