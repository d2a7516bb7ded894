//! Pure: which answers mean that a shared server is full and the request waits.

/// Whether an answer only puts the request off, and for how many seconds, if it says. 429 and 529
/// always do; a 503 only with `Retry-After`: without it the server is ill or loads its model.
#[must_use]
pub fn put_off(status: u16, retry_after: Option<&str>) -> Option<Option<u64>> {
    // The other form of the header is a date, which a queue has no use for.
    let seconds = retry_after.and_then(|text| text.trim().parse().ok());
    match status {
        429 | 529 => Some(seconds),
        503 if retry_after.is_some() => Some(seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_server_and_an_ill_one() {
        for (status, retry_after, expected) in [
            (429, None, Some(None)),
            (429, Some("12"), Some(Some(12))),
            (529, Some(" 3 "), Some(Some(3))),
            (503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Some(None)),
            (503, Some("5"), Some(Some(5))),
            (503, None, None),
            (500, Some("5"), None),
            (200, Some("5"), None),
        ] {
            assert_eq!(put_off(status, retry_after), expected, "{status} {retry_after:?}");
        }
    }
}
