//! What passes the border and what does not, and that pieces make no difference.

use proptest::prelude::*;

use super::*;

const OK: &str = "POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

fn all(bytes: &[u8]) -> (Border, Through) {
    let mut border = Border::default();
    let through = border.feed(bytes);
    (border, through)
}

#[test]
fn calls_in_order_pass_as_they_are() {
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    let empty = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    for texts in [vec![OK], vec![chunked], vec![empty], vec![OK, chunked, empty, OK]] {
        let text = texts.concat();
        let (border, through) = all(text.as_bytes());
        assert_eq!(through.bytes, text.as_bytes());
        assert_eq!(through.heads, vec![None; texts.len()]);
        assert_eq!((through.broken, border.place()), (None, Place::Between));
    }
}

#[test]
fn each_rule_has_its_name() {
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(17 * 1024));
    let large = format!("GET / HTTP/1.1\r\n{}", format!("a: {}\r\n", "x".repeat(16_000)).repeat(5));
    let far = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9 * 1024));
    let table = [
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "bare LF"),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "bare LF"),
        ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "bare CR"),
        ("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400, "control"),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, "folded"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "name"),
        ("GET / HTTP/1.1\r\n: a\r\n\r\n", 400, "name"),
        ("GET / HTTP/1.1\r\nHost\r\n\r\n", 400, "colon"),
        ("GET  / HTTP/1.1\r\n\r\n", 400, "request line"),
        ("GET /\r\n\r\n", 400, "request line"),
        ("G\u{e9}T / HTTP/1.1\r\n\r\n", 400, "method"),
        ("\r\nGET / HTTP/1.1\r\n\r\n", 400, "request line"),
        ("GET /\u{e9} HTTP/1.1\r\n\r\n", 400, "ASCII"),
        ("GET / HTTP/1.0\r\n\r\n", 505, "version"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400, "two lengths"),
        (
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "two lengths",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n",
            400,
            "two lengths",
        ),
        ("POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", 400, "no number"),
        ("POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", 400, "no number"),
        ("POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\n", 400, "no number"),
        ("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400, "no number"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, "other than chunked"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", 400, "other than chunked"),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
            "two codings",
        ),
        ("POST / HTTP/1.1\r\nContent-Length: 2147483648\r\n\r\n", 413, "64 MiB"),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413, "64 MiB"),
        (&many, 431, "100 headers"),
        (&long, 431, "16 KiB"),
        (&large, 431, "64 KiB"),
        (&far, 414, "8 KiB"),
    ];
    for (text, status, word) in table {
        let (border, through) = all(text.as_bytes());
        let Some(Some(turned)) = through.heads.first() else { panic!("{text} passed") };
        assert_eq!(turned.refusal.status.as_u16(), status, "{text}");
        assert!(turned.refusal.reason.contains(word), "{text}: {}", turned.refusal.reason);
        assert_eq!((through.bytes.as_slice(), border.place()), (STAND_IN, Place::Shut));
    }
}

#[test]
fn bad_chunks_end_the_body() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, status) in [
        ("x\r\n", 400),
        ("\r\n", 400),
        ("3;a=b\r\nabc\r\n0\r\n\r\n", 400),
        ("3\nabc\r\n0\r\n\r\n", 400),
        ("3\r\nabcd\r\n0\r\n\r\n", 400),
        ("-3\r\nabc\r\n", 400),
        ("0x3\r\nabc\r\n", 400),
        ("000000003\r\nabc\r\n", 400),
        ("0\r\nTrailer: a\r\n\r\n", 400),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", 400),
        ("4000001\r\n", 413),
        ("ffffffff\r\n", 413),
    ] {
        let (_, through) = all(format!("{head}{body}").as_bytes());
        assert_eq!(through.heads, [None], "{body}");
        assert_eq!(through.broken.unwrap().status.as_u16(), status, "{body}");
    }
}

#[test]
fn what_comes_after_a_refusal_stays_outside() {
    let (mut border, through) = all(format!("GET / HTTP/1.0\r\n\r\n{OK}").as_bytes());
    assert_eq!(through.heads.len(), 1);
    assert_eq!(border.feed(OK.as_bytes()), Through::default());
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(OK.to_owned()),
        Just(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned()
        ),
        Just("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        Just("Content-Length: 2\r\n".to_owned()),
        Just("\n".to_owned()),
        "[\\x00-\\x7f]{0,12}",
    ]
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        texts in prop::collection::vec(piece(), 0..5),
        cuts in prop::collection::vec(1..40_usize, 0..60),
    ) {
        let text = texts.concat();
        let (whole, expected) = all(text.as_bytes());
        let mut border = Border::default();
        let mut got = Through::default();
        let mut rest = text.as_bytes();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            let through = border.feed(now);
            got.bytes.extend(through.bytes);
            got.heads.extend(through.heads);
            got.broken = got.broken.or(through.broken);
        }
        prop_assert_eq!(got.heads, expected.heads);
        prop_assert_eq!(&got.broken, &expected.broken);
        prop_assert_eq!(border.place(), whole.place());
        // What came in the same piece as a broken chunk may or may not have been handed over.
        if got.broken.is_none() {
            prop_assert_eq!(got.bytes, expected.bytes);
        }
    }

    #[test]
    fn a_length_passes_in_any_steps(length in 1..5_000_u64, steps in prop::collection::vec(1..900_u64, 0..40)) {
        let mut border = Border::default();
        border.feed(format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n").as_bytes());
        let mut left = length;
        for step in steps {
            prop_assert_eq!(border.unseen(), left);
            let step = step.min(left);
            border.passed(step);
            left -= step;
        }
        prop_assert_eq!(border.place(), if left == 0 { Place::Between } else { Place::Body });
    }
}
