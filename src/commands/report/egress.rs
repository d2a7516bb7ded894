//! What tried to leave the machine in the last session, and was stopped.

use std::fmt::Write as _;

use crate::domain::{Egress, units};

/// The attempts in words; writing to a string cannot fail.
pub(super) fn text(attempts: &[Egress]) -> String {
    let times: u64 = attempts.iter().map(|attempt| attempt.times).sum();
    let mut text = match times {
        0 => "egress    nothing tried to leave the sandbox\n".to_owned(),
        1 => "egress    1 attempt to leave the sandbox, stopped\n".to_owned(),
        n => format!("egress    {} attempts to leave the sandbox, all stopped\n", units::count(n)),
    };
    for attempt in attempts {
        let _ = writeln!(text, "          {attempt}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EgressWay;

    #[test]
    fn attempts_are_summed_and_named() {
        assert_eq!(text(&[]), "egress    nothing tried to leave the sandbox\n");
        let curl = Egress {
            times: 3,
            ..Egress::new(Some("curl".to_owned()), "127.0.0.77:80", EgressWay::Connect)
        };
        assert_eq!(
            text(&[curl]),
            "egress    3 attempts to leave the sandbox, all stopped\n          \
             curl → 127.0.0.77:80 (connection) ×3\n"
        );
    }
}
