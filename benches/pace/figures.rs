//! Quantiles, tables and verdicts.

use std::time::Duration;

/// The value below which this share of the sorted values lies.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = ((values.len() - 1) as f64 * share).round() as usize;
    values[at]
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// Milliseconds with fractions.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Says whether a bound is held, in one line.
pub fn verdict(what: &str, seen: f64, bound: f64, unit: &str, most: bool) -> bool {
    let held = if most { seen <= bound } else { seen >= bound };
    let (word, sign) =
        if held { ("held", if most { "≤" } else { "≥" }) } else { ("MISSED", "not") };
    println!("  {word:6} {what}: {seen:.2} {unit} ({sign} {bound:.2} {unit})");
    held
}
