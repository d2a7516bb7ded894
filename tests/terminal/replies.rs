//! What the terminal answers, and in which order events come.

use std::time::Duration;

use lcc::domain::Moment;
use lcc::front::terminal::{
    ClipboardTarget, MouseTracking, Palette, Progress, PromptMark, Rgb, TerminalEvent,
};

use crate::{replies, terminal};

const VERSION: &str = concat!("\x1bP>|lcc(", env!("CARGO_PKG_VERSION"), ")\x1b\\");

#[test]
fn every_query_gets_its_answer() {
    let table: [(&str, &[&str]); 36] = [
        ("\x1b[c", &["\x1b[?62;22c"]),
        ("\x1b[0c", &["\x1b[?62;22c"]),
        ("\x1b[>c", &["\x1b[>1;100;0c"]),
        ("\x1b[>0q", &[VERSION]),
        ("\x1b[>q", &[VERSION]),
        ("\x1b[5n", &["\x1b[0n"]),
        ("ab\x1b[6n", &["\x1b[1;3R"]),
        ("ab\x1b[?6n", &["\x1b[?1;3;1R"]),
        // Origin mode counts from the margin, and so does the report.
        ("\x1b[3;9r\x1b[?6h\x1b[6n", &["\x1b[1;1R"]),
        ("\x1b[18t", &["\x1b[8;24;80t"]),
        // Refused in fixed words, whatever was asked.
        ("\x1bP$qm\x1b\\", &["\x1bP0$r\x1b\\"]),
        ("\x1bP$q\"p\x1b\\", &["\x1bP0$r\x1b\\"]),
        ("\x1bP+q544e;436f\x1b\\", &["\x1bP0+r\x1b\\"]),
        ("\x1b[?5$p\x1b[?5h\x1b[?5$p", &["\x1b[?5;2$y", "\x1b[?5;1$y"]),
        ("\x1b[?47h\x1b[?47$p", &["\x1b[?47;1$y"]),
        ("\x1b[?1047$p", &["\x1b[?1047;2$y"]),
        ("\x1b[?1049h\x1b[?1049$p", &["\x1b[?1049;1$y"]),
        ("\x1b[?2026$p", &["\x1b[?2026;2$y"]),
        ("\x1b[?2027$p", &["\x1b[?2027;3$y"]),
        ("\x1b[?2031$p", &["\x1b[?2031;2$y"]),
        ("\x1b[?2031h\x1b[?2031$p", &["\x1b[?2031;1$y"]),
        ("\x1b[?2004$p", &["\x1b[?2004;2$y"]),
        ("\x1b[?2004h\x1b[?2004$p", &["\x1b[?2004;1$y"]),
        ("\x1b[?1004$p", &["\x1b[?1004;2$y"]),
        ("\x1b[?31337$p", &["\x1b[?31337;0$y"]),
        ("\x1b[?996n", &["\x1b[?997;1n"]),
        ("\x1b[?u", &["\x1b[?0u"]),
        ("\x1b[>1u\x1b[?u", &["\x1b[?1u"]),
        // Only what the key encoder does is granted.
        ("\x1b[>31u\x1b[?u", &["\x1b[?29u"]),
        ("\x1b[>1u\x1b[<u\x1b[?u", &["\x1b[?0u"]),
        ("\x1b[>4;2m\x1b[?4m", &["\x1b[>4;2m"]),
        ("\x1b]10;?\x07", &["\x1b]10;rgb:e5e5/e5e5/e5e5\x07"]),
        ("\x1b]11;?\x1b\\", &["\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\"]),
        (
            "\x1b]4;1;?\x07\x1b]4;196;?\x07",
            &["\x1b]4;1;rgb:cdcd/0000/0000\x07", "\x1b]4;196;rgb:ffff/0000/0000\x07"],
        ),
        ("\x1b]4;244;?\x07", &["\x1b]4;244;rgb:8080/8080/8080\x07"]),
        ("\x1b]4;1;#102030\x07\x1b]4;1;?\x07", &["\x1b]4;1;rgb:1010/2020/3030\x07"]),
    ];
    for (query, want) in table {
        assert_eq!(replies(&mut terminal(80, 24), query.as_bytes()), want, "{query:?}");
    }
}

#[test]
fn what_is_never_answered() {
    for query in
        ["\x1b]52;c;?\x07", "\x1b[14t", "\x1b[21t", "\x1b[1;1;1;1;1;1*y", "\x1b_Gi=1\x1b\\"]
    {
        assert_eq!(replies(&mut terminal(80, 24), query.as_bytes()), [""; 0], "{query:?}");
    }
}

#[test]
fn replies_come_in_the_order_of_the_queries() {
    // DA1 is the client's sentinel: answered before XTVERSION it means "no XTVERSION here".
    let bytes = b"\x1b[>0q\x1b[c\x1b[?2026$p\x1b[c\x1b]11;?\x07\x1b[c\x1b[?996n\x1b[6n";
    let want = [
        VERSION,
        "\x1b[?62;22c",
        "\x1b[?2026;2$y",
        "\x1b[?62;22c",
        "\x1b]11;rgb:1e1e/1e1e/1e1e\x07",
        "\x1b[?62;22c",
        "\x1b[?997;1n",
        "\x1b[1;1R",
    ];
    for size in 1..=bytes.len() {
        let mut terminal = terminal(80, 24);
        let got: Vec<String> =
            bytes.chunks(size).flat_map(|chunk| replies(&mut terminal, chunk)).collect();
        assert_eq!(got, want, "in pieces of {size}");
    }
}

#[test]
fn order_holds_inside_a_synchronized_frame() {
    let mut terminal = terminal(80, 24);
    assert_eq!(terminal.feed(b"\x1b[?2026h\x1b[c\x1b[>q\x1b]9;hi\x07\x07\x1b[?2026$p"), []);
    let reply = |text: &str| TerminalEvent::Reply(text.as_bytes().to_vec());
    let want = [
        reply("\x1b[?62;22c"),
        reply(VERSION),
        TerminalEvent::Notification { title: None, body: "hi".into() },
        TerminalEvent::Bell,
        reply("\x1b[?2026;1$y"),
    ];
    assert_eq!(terminal.feed(b"\x1b[?2026l"), want);
}

#[test]
fn events_keep_the_order_of_the_stream() {
    let mut terminal = terminal(80, 24);
    let stream = "\x1b]0;one\x07\x07\x1b]9;4;3;\x07\x1b]777;notify;T;B\x1b\\\x1b]2;two\x07\
                  \x1b]52;c;aGk=\x07\x1b]7;file://host/x\x07\x1b]133;A\x07\x1b]1337;a=b;c\x07\
                  \x1b]21337;x\x07\x1b]52;p;aGk=\x07";
    let want = [
        TerminalEvent::Title("one".into()),
        TerminalEvent::Bell,
        TerminalEvent::Progress(Progress::Busy),
        TerminalEvent::Notification { title: Some("T".into()), body: "B".into() },
        TerminalEvent::Title("two".into()),
        TerminalEvent::Clipboard { target: ClipboardTarget::Clipboard, text: "hi".into() },
        TerminalEvent::WorkingDirectory("file://host/x".into()),
        TerminalEvent::PromptMark(PromptMark::PromptStart),
        TerminalEvent::Clipboard { target: ClipboardTarget::Primary, text: "hi".into() },
    ];
    assert_eq!(terminal.feed(stream.as_bytes()), want);
    assert_eq!(terminal.title(), "two");
}

#[test]
fn modes_are_shown_as_they_are_set() {
    let mut terminal = terminal(80, 24);
    let default = terminal.modes();
    assert!(default.alternate_scroll && !default.bracketed_paste && !default.kitty_disambiguate);
    terminal.feed(b"\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[?2031h\x1b[?1049h\x1b[20h");
    terminal.feed(b"\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h\x1b[>1u\x1b[>4;1m");
    let all = terminal.modes();
    assert!(all.app_cursor && all.app_keypad && all.bracketed_paste && all.focus_events);
    assert!(all.theme_reports && all.alternate_screen && all.sgr_mouse && all.new_line);
    assert!(all.kitty_disambiguate);
    assert_eq!((all.mouse, all.modify_other_keys), (MouseTracking::Motion, 1));
    terminal.feed(b"\x1bc");
    assert_eq!(terminal.modes(), default, "a reset takes all of it back");
}

#[test]
fn a_new_palette_is_told_to_who_asked() {
    let light = Palette { background: Rgb::new(250, 250, 250), ..Palette::default() };
    let mut terminal = terminal(80, 24);
    assert_eq!(terminal.set_palette(light.clone()), []);
    assert_eq!(replies(&mut terminal, b"\x1b[?996n"), ["\x1b[?997;2n"]);
    terminal.feed(b"\x1b[?2031h");
    let told = terminal.set_palette(Palette::default());
    assert_eq!(told, [TerminalEvent::Reply(b"\x1b[?997;1n".to_vec())]);
    let brighter = Palette { foreground: Rgb::new(255, 255, 255), ..Palette::default() };
    assert_eq!(terminal.set_palette(brighter), [], "still dark");
}

#[test]
fn a_frame_is_shown_when_complete_or_when_late() {
    let mut terminal = terminal(20, 3);
    let at = Moment::from_millis;
    assert_eq!(terminal.sync_deadline(at(0)), None);
    terminal.feed(b"old");
    let before = terminal.changes();
    terminal.feed(b"\x1b[?2026h\x1b[H\x1b[2Knew");
    assert_eq!(crate::row(&terminal, 0), "old");
    assert_eq!(terminal.changes(), before + 1, "the opening itself was applied, no more");
    assert_eq!(terminal.sync_deadline(at(1_000)), Some(at(1_150)));
    assert_eq!(terminal.sync_deadline(at(1_100)), Some(at(1_150)), "the first look counts");
    assert_eq!(terminal.stop_sync(at(1_149)), []);
    assert_eq!(crate::row(&terminal, 0), "old");
    terminal.stop_sync(at(1_150));
    assert_eq!(crate::row(&terminal, 0), "new");
    assert_eq!(terminal.sync_deadline(at(1_200)), None);
    // The end that comes late does no harm, and the next frame is held again.
    terminal.feed(b"\x1b[?2026l\x1b[?2026h!");
    assert_eq!(crate::row(&terminal, 0), "new");
    terminal.feed(b"\x1b[?2026l?");
    assert_eq!(crate::row(&terminal, 0), "new!?");
    let late = at(0) + Duration::from_secs(5);
    assert_eq!(terminal.sync_deadline(late), None);
}
