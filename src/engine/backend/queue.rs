//! How many requests wait at a shared server, from its page of metrics (Prometheus text).

/// The sum of a metric's samples, whatever their labels; `None` when the page has none. A server
/// with several engines has a sample for each.
pub(super) fn waiting(page: &str, metric: &str) -> Option<u64> {
    let mut sum = None;
    for line in page.lines() {
        let Some(rest) = line.trim_start().strip_prefix(metric) else { continue };
        let value = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}').map(|(_, value)| value),
            None if rest.starts_with([' ', '\t']) => Some(rest),
            None => None,
        };
        let number = value.and_then(|v| v.split_ascii_whitespace().next()?.parse::<f64>().ok());
        if let Some(number) = number.filter(|n| n.is_finite() && *n >= 0.0) {
            sum = Some(sum.unwrap_or(0.0) + number);
        }
    }
    // Far below the point where a float skips whole numbers.
    sum.map(|sum: f64| sum.min(1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_metric_itself_counts() {
        for (page, metric, expected) in [
            ("# TYPE a gauge\na 3\n", "a", Some(3)),
            ("llamacpp:requests_deferred 0", "llamacpp:requests_deferred", Some(0)),
            ("a{e=\"0\"} 2.0\na{e=\"1\"} 5.0 1700000000000\nab 9\na_total 9", "a", Some(7)),
            ("a{x=\"}\"} 4", "a", Some(4)),
            ("a NaN\na -1\na x\na{ 3", "a", None),
            ("", "a", None),
            ("a 1e300", "a", Some(1_000_000_000)),
        ] {
            assert_eq!(waiting(page, metric), expected, "{page}");
        }
    }
}
