//! Places for the tests of this room.

use super::places::Places;

/// A project in its user's home.
pub(super) fn plain() -> Places {
    Places {
        project: "/Users/ada/project".into(),
        home: "/Users/ada/Library/lcc/home".into(),
        lcc: "/opt/homebrew/bin/lcc".into(),
        program: "/Users/ada/bin/claude".into(),
        read_only: Vec::new(),
        terminal: Some("/dev/ttys042".into()),
        port: 40_001,
        user_home: Some("/Users/ada".into()),
        session: Some("0123456789abcdef".into()),
    }
}

/// One with odd letters, toolchains, on another volume.
pub(super) fn odd() -> Places {
    Places {
        project: "/Volumes/Work (2)/gr\u{f6}\u{df}e & [x]/a.b+c".into(),
        home: "/Users/j\u{f6}rg o'neil/Library/Application Support/lcc/home".into(),
        lcc: "/Applications/lcc.app/Contents/MacOS/lcc".into(),
        program: "/Users/j\u{f6}rg o'neil/.local/share/claude/versions/2.1.330".into(),
        read_only: vec![
            "/Users/j\u{f6}rg o'neil/.cargo".into(),
            "/Users/j\u{f6}rg o'neil/.rustup".into(),
            "/nix/store".into(),
        ],
        terminal: Some("/dev/ttys000".into()),
        port: 65_535,
        user_home: Some("/Users/j\u{f6}rg o'neil".into()),
        session: Some("fedcba9876543210".into()),
    }
}

/// A command of `lcc sandbox`, in the caller's own terminal.
pub(super) fn bare() -> Places {
    Places { terminal: None, program: "/bin/zsh".into(), user_home: None, session: None, ..plain() }
}
