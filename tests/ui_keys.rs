//! The page about the keys is the one the bindings make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use lcc::front::{input::Keymap, ui::keys_page};

#[test]
fn the_page_is_in_step_with_the_bindings() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/KEYS.md");
    let page = keys_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/KEYS.md is behind: UPDATE_DOCS=1 cargo test --test ui_keys");
}

#[test]
fn every_binding_has_its_row() {
    let page = keys_page();
    for bound in Keymap::BINDINGS {
        let row = page.lines().find(|line| line.contains(&format!("| {} |", bound.label)));
        let row = row.unwrap_or_else(|| panic!("{} has no row", bound.label));
        let letter = bound.letter.map_or_else(|| "Ctrl-]".to_owned(), String::from);
        assert!(row.contains(&format!("| `{letter}` |")), "{row}");
        if let Some(function) = bound.function {
            assert!(row.starts_with(&format!("| `F{function}` |")), "{row}");
        }
    }
}
