//! docs/TERMINAL.md holds the policy's table as the code has it.

use std::{fs, path::Path};

use lcc::front::terminal::policy;

#[test]
fn the_manual_has_the_policy_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/TERMINAL.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- policy -->\n").unwrap();
    let (there, after) = rest.split_once("<!-- /policy -->").unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = policy::page();
        let text = format!("{before}<!-- policy -->\n{page}<!-- /policy -->{after}");
        fs::write(&path, text).unwrap();
        return;
    }
    assert!(
        there == policy::page(),
        "the table is another: UPDATE_DOCS=1 cargo nextest run --test terminal manual"
    );
}
