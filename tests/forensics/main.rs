//! Planted breaks of the prefix cache, each to be named with its place and cause; and turns in
//! which nothing breaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../fakes/mod.rs"]
mod fakes;
mod world;

use lcc::{
    domain::{Event, PrefixCare, PrefixRule, ServerLine},
    engine::practice::PracticeOptions,
    protocol::{BreakKind, CacheBreak},
};
use serde_json::json;
use world::{Talk, World, fast, title, words};

/// Two turns after which the server holds the conversation.
async fn held(world: &mut World) -> Talk {
    let mut talk = Talk::new("a");
    talk.turn(world, "practice: bash ls ;; practice: words 900").await;
    talk.turn(world, "practice: words 900").await;
    assert_eq!(world.cache().breaks, 0, "{:?}", world.cache());
    talk
}

#[track_caller]
fn is(found: &CacheBreak, kind: BreakKind, section: &str, cause: &str) {
    assert_eq!(found.kind, kind, "{found:?}");
    assert_eq!(found.section, section, "{found:?}");
    assert!(found.cause.contains(cause), "{found:?}");
    assert!(found.tokens > 512, "{found:?}");
    assert!(found.seconds.is_some(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_changed_in_the_system_prompt() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    talk.system[1] = talk.system[1].replace("sys300 ", "other ");
    talk.turn(&mut world, "go on").await;
    let found = world.broken();
    is(&found, BreakKind::TextChanged, "system[1]", "the text of system[1] changed at byte 1,990");
    // The server itself tells where it began to read.
    assert!((500..900).contains(&found.at_token), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_was_added_in_the_middle() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    talk.tools.insert(1, "Dig".to_owned());
    talk.turn(&mut world, "go on").await;
    is(&world.broken(), BreakKind::TextChanged, "tool Dig", "tool Dig was added");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_was_edited() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    talk.messages[0]["content"] = json!("practice: bash la ;; practice: words 900");
    talk.turn(&mut world, "go on").await;
    is(&world.broken(), BreakKind::TextChanged, "messages[0]", "messages[0] changed at byte 16");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_attribution_line_changed() {
    let bill =
        |n: u32| format!("x-anthropic-billing-header: cc_version=2.1.330.{n}; cc_entrypoint=cli;");
    let care = PrefixCare::default().with(PrefixRule::Attribution, false);
    let mut world = World::careless(fast(), care).await;
    let mut talk = Talk::new("a");
    talk.system.insert(0, bill(925));
    talk.turn(&mut world, "practice: words 300").await;
    talk.system[0] = bill(232);
    talk.turn(&mut world, "go on").await;
    let found = world.broken();
    is(&found, BreakKind::TextChanged, "system[0]", "the attribution line in system[0] changed");
    assert_eq!(found.fix.as_deref(), Some("prefix_care.attribution = true"));

    // With the rule nothing breaks, in a new session neither.
    let mut world = World::practice(fast()).await;
    let mut talk = Talk::new("a");
    for (n, session) in ["a", "a", "b"].into_iter().enumerate() {
        if session != talk.session {
            talk = Talk::new(session);
        }
        let line = bill(u32::try_from(n).unwrap());
        if talk.system.len() == 3 {
            talk.system[0] = line;
        } else {
            talk.system.insert(0, line);
        }
        talk.turn(&mut world, "practice: words 300").await;
    }
    let cache = world.cache();
    assert_eq!(cache.breaks, 0, "{cache:?}");
    assert_eq!(cache.cared[&PrefixRule::Attribution], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_request_took_the_slot() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    world.send(&title(), &[]).await;
    talk.turn(&mut world, "go on").await;
    let found = world.broken();
    is(&found, BreakKind::SideRequest, "system[0]", "a title request took the slot");
    assert_eq!(found.fix.as_deref(), Some("side_requests = \"auto\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subagent_took_the_slot() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    let mut agent = Talk::new("a");
    agent.system[1] = words("agent", 500);
    agent.say("user", "look around");
    world.send(&agent.body(), &[("x-claude-code-agent-id", "a1")]).await;
    talk.turn(&mut world, "go on").await;
    // The first block is the same as the agent's.
    is(&world.broken(), BreakKind::Subagent, "system[1]", "a subagent took the slot");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slot_was_evicted() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    world.server.as_ref().unwrap().evict().await;
    let evicted = |e: &Event| {
        matches!(e, Event::ServerLine { line: ServerLine::Evicted { tokens: Some(_) } })
    };
    world.until(evicted).await;
    talk.turn(&mut world, "go on").await;
    is(&world.broken(), BreakKind::SlotEvicted, "system[0]", "evicted the slot to make room");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_has_a_sliding_window() {
    let mut world = World::practice(PracticeOptions { rigid: true, ..fast() }).await;
    let mut talk = held(&mut world).await;
    // The client takes the last word of the answer away: the prompt itself only grows.
    talk.messages.pop();
    talk.say("assistant", words("other", 4));
    talk.say("user", "go on");
    talk.go(&mut world).await;
    // The log may tell it a moment after the answer did.
    if world.broken().kind == BreakKind::Unknown {
        world.until(|e| matches!(e, Event::ServerLine { line: ServerLine::Reread })).await;
    }
    let found = world.broken();
    is(&found, BreakKind::SlidingWindow, "system[0]", "sliding window");
    assert!(found.fix.unwrap().contains("--swa-full"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_was_restarted() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    world.restart().await;
    talk.turn(&mut world, "go on").await;
    is(&world.broken(), BreakKind::ServerRestarted, "system[0]", "the server was started anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_used_the_server() {
    let mut world = World::practice(fast()).await;
    // The server's count is known before and after.
    world.until(counts).await;
    let mut talk = held(&mut world).await;
    let foreign =
        json!({"max_tokens": 9, "messages": [{"role": "user", "content": words("far", 900)}]});
    world.foreign(&foreign).await;
    world.until(counts).await;
    talk.turn(&mut world, "go on").await;
    // The page is looked at now and then: it may tell only after the break was seen.
    while world.broken().kind == BreakKind::Unknown {
        world.until(counts).await;
    }
    is(&world.broken(), BreakKind::OtherClient, "system[0]", "another client used the server");
}

fn counts(event: &Event) -> bool {
    matches!(event, Event::ServerLoad { load } if load.prompt_read.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_was_changed() {
    let mut world = World::practice(fast()).await;
    let mut talk = held(&mut world).await;
    world.server.as_ref().unwrap().evict().await;
    talk.model = "bigger".to_owned();
    talk.turn(&mut world, "go on").await;
    is(&world.broken(), BreakKind::ModelChanged, "system[0]", "from practice to bigger");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keep_alive_expired() {
    let fake = fakes::Fake::start(fakes::Kind::OllamaGguf);
    fake.change(|truth| truth.free = true);
    let dir = tempfile::tempdir().unwrap();
    let log = fake.log.clone();
    let mut world = World::before(&fake.url, log, PrefixCare::default(), dir).await;
    let mut talk = Talk::new("a");
    // Long enough to be looked at while it is read: such a server tells of its cache nowhere else.
    talk.system[1] = words("sys", 6_000);
    talk.turn(&mut world, "one").await;
    talk.turn(&mut world, "two").await;
    assert_eq!(world.cache().breaks, 0, "{:?}", world.cache());
    fake.change(fakes::Truth::unload);
    world
        .until(|e| matches!(e, Event::Server { facts: Some(facts) } if facts.window.is_none()))
        .await;
    talk.turn(&mut world, "three").await;
    let found = world.broken();
    is(&found, BreakKind::KeepAliveExpired, "system[0]", "keep-alive expired");
    assert!(found.fix.unwrap().contains("OLLAMA_KEEP_ALIVE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_breaks_in_two_hundred_clean_turns() {
    let mut world = World::practice(PracticeOptions { slots: 2, ..fast() }).await;
    let mut talk = Talk::new("s0");
    for turn in 0..200 {
        if turn % 2 == 0 {
            world.send(&title(), &[]).await;
        }
        let prompt = match turn % 4 {
            0 => {
                format!("practice: bash ls ;; practice: read a.txt ;; practice: words {}", 5 + turn)
            }
            1 => format!("practice: words {turn}"),
            2 => "practice: bash a ;; practice: bash b ;; practice: say done".to_owned(),
            _ => "what now?".to_owned(),
        };
        talk.turn(&mut world, &prompt).await;
        if turn % 2 == 1 {
            world.send(&title(), &[]).await;
        }
        match turn % 50 {
            // Compaction: the conversation and the instruction; then a summary in its place.
            24 => {
                let mut compaction = talk.clone();
                compaction.say(
                    "user",
                    "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools. \
                    An <analysis> block, then a <summary> block of the conversation so far.",
                );
                world
                    .send(&compaction.body(), &[("x-claude-code-session-id", &talk.session)])
                    .await;
                talk.messages.clear();
                talk.say("user", "This session is being continued. Summary: so far so good.");
                talk.say("assistant", "Done.");
            }
            // A fresh context in a new session.
            49 => talk = Talk::new(&format!("s{turn}")),
            _ => {}
        }
        let cache = world.cache();
        assert_eq!(cache.breaks, 0, "turn {turn}: {cache:?}");
    }
    let cache = world.cache();
    assert!(cache.session_ratio.unwrap() >= 0.99, "{cache:?}");
}
