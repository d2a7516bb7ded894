//! What the user is told when Claude Code asks for the same prompt again.

use crate::domain::{Event, units};

/// A second try so soon is Claude Code's own affair after a short failure.
const WORTH_A_WORD_S: f64 = 10.0;

/// The words for an event, when it is a second try that is worth a word.
pub(super) fn notice(event: &Event) -> Option<String> {
    let Event::AskedAgain { after_s, joined, .. } = event else { return None };
    let after = units::seconds(*after_s);
    if *joined {
        return Some(format!(
            "asked again after {after}: it goes on with the reading that is under way"
        ));
    }
    (*after_s >= WORTH_A_WORD_S).then(|| {
        format!("asked again after {after}: what the server had read is reused where it kept it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestId;

    #[test]
    fn only_what_cost_time_is_worth_a_word() {
        let said = |after_s, joined| {
            let (request, first) = (RequestId(2), RequestId(1));
            notice(&Event::AskedAgain { request, first, after_s, joined })
        };
        assert!(said(300.0, false).unwrap().starts_with("asked again after 5m00s"));
        assert!(said(2.0, true).unwrap().contains("goes on"));
        assert_eq!(said(2.0, false), None);
        assert_eq!(notice(&Event::FirstToken { request: RequestId(1) }), None);
    }
}
