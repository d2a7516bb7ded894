//! Folding, pausing and searching, by tables and by any order of keys and lines.

use proptest::prelude::*;

use super::*;

const ROWS: u16 = 10;

fn line(text: &str, fold: Option<LogFold>) -> LogLine {
    let weight = if fold.is_some() { LogWeight::Noise } else { LogWeight::Plain };
    LogLine { at: Moment(1), origin: LogOrigin::Proxy, weight, fold, text: text.to_owned() }
}

fn plain(log: &mut Log, texts: impl IntoIterator<Item = String>) {
    log.add(texts.into_iter().map(|text| line(&text, None)).collect());
}

fn hundred() -> Log {
    let mut log = Log::default();
    plain(&mut log, (0..100).map(|n| format!("line {n}")));
    log
}

fn all(log: &Log) -> Vec<String> {
    (log.start()..log.end()).filter_map(|n| log.get(n)).map(Entry::text).collect()
}

fn press(view: &mut LogView, log: &mut Log, keys: &str) -> Pressed {
    let mut last = Pressed::Stays;
    for c in keys.chars() {
        let code = match c {
            '⏎' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '⌫' => KeyCode::Backspace,
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            '⇞' => KeyCode::PageUp,
            '⇟' => KeyCode::PageDown,
            '⇱' => KeyCode::Home,
            '⇲' => KeyCode::End,
            c => KeyCode::Char(c),
        };
        last = view.press(log, KeyEvent::new(code, KeyModifiers::NONE), ROWS);
    }
    last
}

#[test]
fn a_storm_is_one_counted_line() {
    let noise = Some(LogFold::Noise);
    let refused = Some(LogFold::Refused);
    for (lines, expected) in [
        (vec![("a", noise)], vec!["a"]),
        (vec![("a", noise), ("b", noise), ("a", noise)], vec!["3× without effect: a ×2 · b ×1"]),
        (vec![("a", noise), ("x", None), ("a", noise)], vec!["a", "x", "a"]),
        (vec![("x", None), ("x", None)], vec!["x", "x"]),
        (vec![("a", noise), ("r", refused), ("r", refused)], vec!["a", "2× refused: r ×2"]),
    ] {
        let mut log = Log::default();
        log.add(lines.iter().map(|(text, fold)| line(text, *fold)).collect());
        assert_eq!(all(&log), expected);
    }
    let mut log = Log::default();
    log.add((0..100_000).map(|n| line(&format!("p{n}"), noise)).collect());
    assert_eq!(log.end(), 1);
    let text = log.get(0).unwrap().text();
    assert!(text.starts_with("100000× ") && text.ends_with(" · others ×99984"), "{text}");
}

#[test]
fn five_thousand_lines_are_kept_and_keep_their_numbers() {
    let mut log = Log::default();
    plain(&mut log, (0..5_003).map(|n| format!("line {n}")));
    assert_eq!((log.start(), log.end()), (3, 5_003));
    assert_eq!(log.get(2), None);
    assert_eq!(log.get(3).unwrap().text(), "line 3");
    assert_eq!(log.get(5_003), None);
}

#[test]
fn keys_move_the_view() {
    for (keys, shown, follows) in [
        ("", 90..100, true),
        ("↑", 89..99, false),
        ("↑↓", 90..100, true),
        ("⇞", 81..91, false),
        ("⇞⇟", 90..100, true),
        ("⇱", 0..10, false),
        ("⇱↑↑", 0..10, false),
        ("⇱⇲", 90..100, true),
        ("gjj", 2..12, false),
        ("p", 90..100, false),
        ("pp", 90..100, true),
        (" ", 90..100, false),
        ("kG", 90..100, true),
    ] {
        let (mut log, mut view) = (hundred(), LogView::default());
        assert_eq!(press(&mut view, &mut log, keys), Pressed::Stays);
        assert_eq!(view.shown(&log, ROWS), shown, "{keys}");
        assert_eq!(view.bottom.is_none(), follows, "{keys}");
    }
}

#[test]
fn paused_it_stands_still_and_counts_what_comes() {
    let (mut log, mut view) = (hundred(), LogView::default());
    let noise = || line("GET /x 404", Some(LogFold::Noise));
    log.add(vec![noise()]);
    press(&mut view, &mut log, "p");
    let before = view.shown(&log, ROWS);
    let newest = log.get(100).cloned();
    log.add(vec![noise(), noise()]);
    plain(&mut log, ["new".to_owned()]);
    assert_eq!(view.shown(&log, ROWS), before);
    assert_eq!(log.get(100).cloned(), newest, "the line that is looked at does not change");
    assert_eq!(view.below(&log), 2);
    press(&mut view, &mut log, "p");
    assert_eq!((view.shown(&log, ROWS).end, view.below(&log)), (103, 0));
}

#[test]
fn a_search_goes_through_what_it_finds() {
    for (keys, hit, says) in [
        ("/line 5⏎", Some(59), None),
        ("/LINE 5⏎n", Some(58), None),
        ("/line 5⏎nN", Some(59), None),
        ("/line 5⏎nnnnnnnnnn", Some(5), None),
        ("/line 5⏎nnnnnnnnnnn", Some(59), None),
        ("/line 5⏎N", Some(5), None),
        ("/nothing⏎", None, Some("not found")),
        ("/line 51⌫2⏎", Some(52), None),
        ("/line 5⎋", None, None),
        ("/⌫n", None, Some("/ searches")),
        ("/⏎", None, None),
        ("n", None, Some("/ searches")),
        // While it is typed, letters are letters.
        ("/qnp⏎", None, Some("not found")),
    ] {
        let (mut log, mut view) = (hundred(), LogView::default());
        assert_eq!(press(&mut view, &mut log, keys), Pressed::Stays, "{keys}");
        assert_eq!((view.hit, view.says), (hit, says), "{keys}");
        assert_eq!(view.typing, None, "{keys}");
        if let Some(hit) = hit {
            assert!(view.shown(&log, ROWS).contains(&hit), "{keys}");
        }
    }
}

#[test]
fn esc_closes_only_when_nothing_is_typed() {
    let (mut log, mut view) = (hundred(), LogView::default());
    assert_eq!(press(&mut view, &mut log, "/ab⎋"), Pressed::Stays);
    assert_eq!(press(&mut view, &mut log, "⎋"), Pressed::Closes);
    assert_eq!(press(&mut view, &mut log, "q"), Pressed::Closes);
}

proptest! {
    #[test]
    fn any_keys_and_any_lines_leave_a_view_that_fits(
        steps in prop::collection::vec((0_usize..14, 0_usize..200), 0..60), rows in 0_u16..30
    ) {
        let codes = [
            KeyCode::Up, KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home,
            KeyCode::End, KeyCode::Char('p'), KeyCode::Char('/'), KeyCode::Char('1'),
            KeyCode::Enter, KeyCode::Char('n'), KeyCode::Char('N'), KeyCode::Backspace,
        ];
        let (mut log, mut view) = (Log::default(), LogView::default());
        for (step, (key, count)) in steps.into_iter().enumerate() {
            match codes.get(key) {
                Some(code) => {
                    view.press(&mut log, KeyEvent::new(*code, KeyModifiers::NONE), rows);
                }
                None => plain(&mut log, (0..count * 20).map(|n| format!("{step} {n}"))),
            }
            let shown = view.shown(&log, rows);
            prop_assert!(shown.start >= log.start() && shown.end <= log.end());
            let full = u64::from(rows).min(log.end() - log.start());
            prop_assert_eq!(shown.end - shown.start, full);
            prop_assert!(shown.clone().all(|n| log.get(n).is_some()));
        }
    }
}
