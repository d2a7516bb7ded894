//! The little of Prometheus' text format that lcc needs: the sum of a metric over its labels.

/// The value of the metric `name` on a page, summed over all its label sets; `None` when the page
/// does not have it.
#[must_use]
pub(super) fn sum(page: &str, name: &str) -> Option<f64> {
    page.lines()
        .filter_map(|line| value(line, name))
        .fold(None, |sum, v| Some(sum.unwrap_or(0.0) + v))
}

/// The value as a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative; saturates"
)]
pub(super) fn count(page: &str, name: &str) -> Option<u64> {
    sum(page, name).filter(|v| *v >= 0.0).map(|v| v.round() as u64)
}

/// `name{label="a } b"} 12.5 1700000000` or `name 12.5`.
fn value(line: &str, name: &str) -> Option<f64> {
    let rest = line.trim_start().strip_prefix(name)?;
    let figures = if rest.starts_with('{') {
        let (_, figures) = rest.rsplit_once('}')?;
        figures
    } else if rest.starts_with([' ', '\t']) {
        rest
    } else {
        return None;
    };
    figures.split_ascii_whitespace().next()?.parse().ok().filter(|v: &f64| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_summed_over_labels() {
        let page = "# HELP vllm:num_requests_waiting Number of requests waiting.\n\
            # TYPE vllm:num_requests_waiting gauge\n\
            vllm:num_requests_waiting{engine=\"0\",model_name=\"a } b\"} 2.0\n\
            vllm:num_requests_waiting{engine=\"1\",model_name=\"x\"} 3.0 1700000000\n\
            vllm:num_requests_waiting_by_reason{reason=\"a\"} 100\n\
            bad NaN\nbare 1.5e2\nbroken\nopen{x=\"\n";
        assert_eq!(count(page, "vllm:num_requests_waiting"), Some(5));
        assert_eq!(sum(page, "bare"), Some(150.0));
        for name in ["bad", "broken", "open", "absent", "vllm"] {
            assert_eq!(sum(page, name), None, "{name}");
        }
    }
}
