//! The prefill pane while the server reads ahead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
#![allow(dead_code)]

mod ui_support;

use lcc::protocol::{Snapshot, WarmReading};
use ui_support::{frame, idle, prefill, running, text};

fn with(snapshot: Snapshot, reading: WarmReading) -> String {
    let mut snapshot = snapshot;
    snapshot.warm.reading = Some(reading);
    text(&frame(&running((120, 40), snapshot)))
}

#[test]
fn reading_ahead_is_shown_until_a_prompt_is_read() {
    let reading =
        WarmReading { conversation: false, done: 2_100, cached: Some(64), total: Some(3_500) };
    let screen = with(idle(), reading.clone());
    for words in ["warming:", "2,100 / 3,500 tok", "60 %", "system and tools"] {
        assert!(screen.contains(words), "{words} is not on\n{screen}");
    }
    let unknown = WarmReading { total: None, conversation: true, ..reading.clone() };
    let screen = with(idle(), unknown);
    assert!(screen.contains("2,100 / –") && screen.contains("the conversation"), "{screen}");
    // A real prompt has the pane.
    assert!(!with(prefill(), reading).contains("warming"));
}
