//! Keeps characters whole where the stream is cut.
//!
//! The parser loses a character when one of several bytes is cut and another begins soon after
//! it, so it never gets to see a cut one.

/// Bytes at the end of `bytes` that begin a character and do not end it: 0 to 3.
pub(super) fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let tail = bytes.get(bytes.len() - back..).unwrap_or_default();
        match tail.first() {
            Some(0x80..=0xbf) => {}
            Some(0xc2..=0xf4) => {
                let cut = std::str::from_utf8(tail)
                    .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
                return if cut { back } else { 0 };
            }
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_by_table() {
        let table: [(&[u8], usize); 12] = [
            (b"", 0),
            (b"abc", 0),
            ("aé".as_bytes(), 0),
            (b"a\xc3", 1),
            (b"a\xe5\xae", 2),
            ("家".as_bytes(), 0),
            (b"\xf0\x9f\x91", 3),
            (b"\xf0", 1),
            (b"\x80\x80\x80\x80", 0),
            (b"\xe5\x41", 0),
            (b"\xff", 0),
            (b"\xe0\x80", 0),
        ];
        for (bytes, want) in table {
            assert_eq!(unfinished(bytes), want, "{bytes:02x?}");
        }
    }
}
