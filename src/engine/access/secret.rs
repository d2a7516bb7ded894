//! A credential that no output can show.

use std::fmt;

use hyper::header::HeaderValue;

use super::Scheme;

/// Longer is no token.
pub(super) const LONGEST: usize = 16 << 10;

/// A credential. It has no `Display`, and its `Debug` says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Takes the one line in `bytes`, without the white space around it.
    ///
    /// # Errors
    /// In words that say nothing of what is there: nothing, several lines, or characters that no
    /// header can carry.
    pub fn from_line(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err("more than 16 KiB; expected one line with the token alone".to_owned());
        }
        let text = std::str::from_utf8(bytes).unwrap_or("\u{1}").trim();
        let lines = text.lines().count();
        match lines {
            0 => Err("nothing; expected one line with the token alone".to_owned()),
            1 if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(Self(text.to_owned())),
            1 => Err("a line with spaces or characters that no header can carry; expected the \
                      token alone, without a name or quotes"
                .to_owned()),
            _ => Err(format!("{lines} lines; expected one line with the token alone")),
        }
    }

    /// The header's value, marked so that nothing prints it. `None` never happens for what
    /// [`Secret::from_line`] let pass.
    pub(super) fn header(&self, scheme: Scheme) -> Option<HeaderValue> {
        let text = match scheme {
            Scheme::Bearer => format!("Bearer {}", self.0),
            Scheme::Key => self.0.clone(),
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_or_a_reason_that_says_nothing_of_it() {
        for (given, expected) in [
            (&b"sk-1"[..], Ok("sk-1")),
            (b"  sk-1 \r\n", Ok("sk-1")),
            (b"", Err("nothing")),
            (b" \n\n", Err("nothing")),
            (b"sk-1\nsk-2\n", Err("2 lines")),
            (b"token: sk-1", Err("with spaces")),
            (b"sk-\xff", Err("no header")),
            ("sk-é".as_bytes(), Err("no header")),
            (&[b'a'; LONGEST + 1], Err("16 KiB")),
        ] {
            match (Secret::from_line(given), expected) {
                (Ok(secret), Ok(wanted)) => assert_eq!(secret.0, wanted),
                (Err(said), Err(part)) => {
                    assert!(said.contains(part) && !said.contains("sk-"), "{said}");
                }
                (got, wanted) => panic!("{given:?}: {got:?}, wanted {wanted:?}"),
            }
        }
    }

    #[test]
    fn nothing_prints_it() {
        let secret = Secret::from_line(b"sk-hidden").unwrap();
        let bearer = secret.header(Scheme::Bearer).unwrap();
        assert_eq!(bearer, "Bearer sk-hidden");
        assert_eq!(secret.header(Scheme::Key).unwrap(), "sk-hidden");
        let shown = format!("{secret:?} {:#?} {bearer:?}", Some(&secret));
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
