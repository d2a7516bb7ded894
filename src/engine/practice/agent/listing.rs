//! Reads what `ls -la` printed.

/// The files (not folders, not links) in the output of `ls -la`, with their sizes in bytes.
pub fn files(output: &str) -> Vec<(&str, u64)> {
    output.lines().filter(|line| line.starts_with('-')).filter_map(file).collect()
}

/// Mode, links, owner, group, size, month, day, time, and the rest is the name.
fn file(line: &str) -> Option<(&str, u64)> {
    let mut rest = line;
    let mut size = 0;
    for column in 0..8 {
        let (field, tail) = rest.trim_start().split_once(' ')?;
        if column == 4 {
            size = field.parse().ok()?;
        }
        rest = tail;
    }
    let name = rest.trim();
    (!name.is_empty()).then_some((name, size))
}

/// The largest file the agent reads.
const MOST_BYTES: u64 = 64 * 1024;

/// Endings of files that hold text.
const TEXT: [&str; 14] = [
    ".md", ".txt", ".toml", ".rs", ".py", ".js", ".ts", ".go", ".c", ".h", ".java", ".json",
    ".yml", ".sh",
];

/// The file to look into: a README, else the first file of text, never `but`.
pub fn worth_reading<'a>(output: &'a str, but: &str) -> Option<&'a str> {
    let files: Vec<&str> = files(output)
        .into_iter()
        .filter(|(name, size)| *name != but && (1..=MOST_BYTES).contains(size))
        .map(|(name, _)| name)
        .collect();
    let readme = files.iter().find(|name| name.to_lowercase().starts_with("readme"));
    let text = || files.iter().find(|name| TEXT.iter().any(|ending| name.ends_with(ending)));
    readme.or_else(text).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "/home/me/project\ntotal 12\n\
        drwxr-xr-x 2 me me 4096 Nov 22 21:32 .\n\
        -rw-r--r--  1 me  staff     6 Nov 22 21:32 main.rs\n\
        -rw-r--r--@ 1 me me 12 Nov  2  2025 ReadMe first.md\n\
        lrwxr-xr-x 1 me me 3 Nov  2  2025 link.md -> a\n\
        -rw-r--r-- 1 me me 999999 Nov 22 21:32 README";

    #[test]
    fn a_readme_comes_first_then_text() {
        for (list, but, expected) in [
            (LIST, "", Some("ReadMe first.md")),
            (LIST, "ReadMe first.md", Some("main.rs")),
            ("total 0", "", None),
            ("-rw-r--r-- 1 me me 10 Nov 22 21:32 a.png", "", None),
            ("-rw-r--r-- 1 me", "", None),
        ] {
            assert_eq!(worth_reading(list, but), expected);
        }
        assert_eq!(files(LIST).len(), 3);
    }
}
