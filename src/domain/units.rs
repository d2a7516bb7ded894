//! How figures are written: always with a unit, never with a jumping width.

/// A count with thousands separators: `14,902`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Bytes in the largest binary unit that keeps the figure above one: `20.1 GiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Seconds as people say them: `0.3 s`, `8 s`, `1m52s`, `2h05m`.
#[must_use]
pub fn seconds(s: f64) -> String {
    if !s.is_finite() || s < 0.0 {
        return "– s".to_owned();
    }
    if s < 9.95 {
        return format!("{s:.1} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite and not negative; saturates"
    )]
    let whole = s.round() as u64;
    if whole < 60 {
        format!("{whole} s")
    } else if whole < 3600 {
        format!("{}m{:02}s", whole / 60, whole % 60)
    } else {
        format!("{}h{:02}m", whole / 3600, whole % 3600 / 60)
    }
}

/// `part ÷ whole` in percent; `None` when the whole is nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_three() {
        for (n, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (32_768, "32,768"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn bytes_take_the_largest_unit() {
        for (n, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (21_582_000_000, "20.1 GiB")]
        {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn seconds_read_like_speech() {
        for (s, text) in [
            (0.34, "0.3 s"),
            (9.96, "10 s"),
            (59.4, "59 s"),
            (112.0, "1m52s"),
            (7_500.0, "2h05m"),
            (f64::NAN, "– s"),
        ] {
            assert_eq!(seconds(s), text);
        }
    }
}
