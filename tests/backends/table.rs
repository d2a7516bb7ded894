//! The table of docs/BACKENDS.md is what the sessions show.

use std::fmt::Write;

use super::{
    fakes::Kind,
    session::{Figure, Report, TURNS, run},
};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/BACKENDS.md");
const BEGIN: &str = "<!-- made by tests/backends; `UPDATE_DOCS=1 cargo test --test backends` -->\n";
const END: &str = "<!-- end -->\n";

/// Errors are written as the smallest of these that holds, so that the table does not tremble.
const CLASSES: [(f64, &str); 5] =
    [(0.0, "exact"), (1.0, "≤ 1 %"), (3.0, "≤ 3 %"), (10.0, "≤ 10 %"), (25.0, "≤ 25 %")];

/// The worst a figure may be in percent, by who told it.
fn bound(source: &str, share: bool) -> f64 {
    match source {
        "estimate" => 25.0,
        // A share of a total that is estimated by bytes.
        "log" if share => 10.0,
        _ => 0.0,
    }
}

fn row(text: &mut String, kind: Kind, name: &str, figure: Figure) {
    let Some(source) = figure.source else {
        writeln!(text, "| {} | {name} | – | not told |", kind.name()).unwrap();
        return;
    };
    let Some(worst) = figure.worst else {
        writeln!(text, "| {} | {name} | {source} | not held against the clock |", kind.name())
            .unwrap();
        return;
    };
    let bound = bound(source, kind == Kind::LmStudio);
    assert!(worst <= bound, "{kind:?}: {name} is {worst:.2} % off, {bound} % are allowed");
    let class = CLASSES.iter().find(|(most, _)| worst <= *most).expect("a class").1;
    writeln!(text, "| {} | {name} | {source} | {class} |", kind.name()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_kind_tells_what_the_table_says() {
    let sessions = Kind::ALL.map(|kind| (kind, tokio::spawn(run(kind))));
    let mut text =
        String::from("\n| backend | figure | source | worst error |\n|---|---|---|---|\n");
    for (kind, session) in sessions {
        let Report { window, total, progress, cached, used, waiting } = session.await.unwrap();
        row(&mut text, kind, "window", window);
        row(&mut text, kind, "prompt, after its answer", total);
        row(&mut text, kind, "prompt read so far", progress);
        row(&mut text, kind, "reused", cached);
        row(&mut text, kind, "window in use", used);
        row(&mut text, kind, "requests that wait", waiting);
    }
    writeln!(text, "\nA session of {TURNS} turns on a fake of each server.\n").unwrap();
    let page = std::fs::read_to_string(PATH).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the table's begin");
    let (_, tail) = rest.split_once(END).expect("the table's end");
    let expected = format!("{head}{BEGIN}{text}{END}{tail}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, &expected).unwrap();
        return;
    }
    assert_eq!(
        page, expected,
        "docs/BACKENDS.md is behind: UPDATE_DOCS=1 cargo test --test backends"
    );
}
