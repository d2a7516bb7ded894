//! Lines of every dialect, and the stories they make.

use proptest::prelude::*;

use super::{LogNews, LogProgress, Said, Story, read};
use crate::domain::{ServerLine, ServerLoad};

#[test]
fn every_known_line_is_read() {
    let load = |running, waiting, kv| ServerLoad {
        running: Some(running),
        waiting: Some(waiting),
        kv_percent: Some(kv),
        ..ServerLoad::default()
    };
    let line = |l| Some(Said::Line(l));
    let table: Vec<(&str, Option<Said>)> = vec![
        (
            "slot update_slots: id  0 | task 12 | new prompt, n_ctx_slot = 32768, n_keep = 0, task.n_tokens = 8711",
            Some(Said::NewPrompt { task: Some(12), total: 8_711 }),
        ),
        (
            "slot update_slots: id  0 | task 3 | new prompt, n_ctx_slot = 4096, n_keep = 0, n_prompt_tokens = 88",
            Some(Said::NewPrompt { task: Some(3), total: 88 }),
        ),
        (
            "slot update_slots: id  0 | task 12 | cached n_tokens = 2048, memory_seq_rm [2048, end)",
            Some(Said::Cached { task: Some(12), tokens: 2_048 }),
        ),
        (
            "slot update_slots: id  0 | task 12 | kv cache rm [77, end)",
            Some(Said::Cached { task: Some(12), tokens: 77 }),
        ),
        (
            "0.42.123.456 I slot print_timing: id  0 | task 12 | prompt processing, n_tokens =   4096, progress = 0.47, t =   3.61 s / 1133.55 tokens per second",
            Some(Said::Decoded { task: Some(12), tokens: 4_096, share: Some(0.47) }),
        ),
        (
            "slot update_slots: id  0 | task 0 | prompt processing progress, n_past = 19200, n_tokens = 256, progress = 0.827836",
            Some(Said::InSlot { task: Some(0), tokens: 19_200, share: Some(0.827_836) }),
        ),
        (
            "slot update_slots: id  0 | task 0 | prompt processing progress, n_tokens = 4096, batch.n_tokens = 2048, progress = 0.47",
            Some(Said::InSlot { task: Some(0), tokens: 4_096, share: Some(0.47) }),
        ),
        (
            "slot print_timing: id  0 | task 12 | n_decoded =    523, tg =  41.20 t/s, tg_3s =  40.87 t/s",
            Some(Said::Writing { tokens: 523 }),
        ),
        (
            "I slot operator(): id  0 | task 12 | n_gen =    523, tg =  41.20 t/s",
            Some(Said::Writing { tokens: 523 }),
        ),
        (
            "slot get_availabl: id 0 | task -1 | selected slot by LCP similarity, f_sim_best = 0.987 (> 0.100 thold), f_keep = 0.993",
            Some(Said::Similar { share: 0.987 }),
        ),
        (
            "selected slot by LCP similarity, sim_best = 0.5 (> 0.100 thold)",
            Some(Said::Similar { share: 0.5 }),
        ),
        (
            "prompt eval time =    1834.10 ms /   4096 tokens (    0.45 ms per token,  2233.2 tokens per second)",
            Some(Said::PromptRead { tokens: 4_096 }),
        ),
        ("slot release: id 0 | stop processing: n_tokens = 9000, truncated = 0", Some(Said::Ended)),
        (
            "slot release: id 0 | stop processing: n_tokens = 9000, truncated = 1",
            line(ServerLine::AnswerCut),
        ),
        (
            "W slot update_slots: forcing full prompt re-processing due to lack of cache data (likely due to SWA)",
            line(ServerLine::Reread),
        ),
        (
            "slot context shift, n_keep = 0, n_left = 32767, n_discard = 16383",
            line(ServerLine::Shifted { discarded: Some(16_383) }),
        ),
        (
            " - cache size limit reached, removing oldest entry (size = 12.3 MiB)",
            line(ServerLine::Evicted { tokens: None }),
        ),
        ("purging slot 1 with 812 tokens", line(ServerLine::Evicted { tokens: Some(812) })),
        (
            r#"time=2026-09-04T14:08:05Z level=INFO source=llama_server.go:433 msg="starting llama-server" cmd="/x/llama-server --model /m/blobs/sha256-1 --port 41234 --host 127.0.0.1 -c 32768""#,
            Some(Said::ChildPort(41_234)),
        ),
        (
            r#"time=x level=WARN source=llama_server.go:317 msg="truncating input prompt" limit=32768 prompt=40000 keep=4 new=32768"#,
            line(ServerLine::Truncated { prompt: Some(40_000), kept: Some(32_768) }),
        ),
        (
            r#"level=DEBUG msg="truncating input messages which exceed context length" truncated=3"#,
            line(ServerLine::Truncated { prompt: None, kept: None }),
        ),
        (
            r#"time=x level=INFO source=prefix_cache.go:125 msg="cache hit" total=49091 matched=34816 cached=34816 left=14275"#,
            Some(Said::Lookup { total: 49_091, cached: 34_816 }),
        ),
        (
            r#"level=INFO source=cache.go:9 msg="Cache hit" total=10 matched=5 cached=4 left=6"#,
            Some(Said::Lookup { total: 10, cached: 4 }),
        ),
        (
            r#"time=x level=INFO source=pipeline.go:204 msg="Prompt processing progress" processed=2048 total=14275"#,
            Some(Said::OfRest { read: 2_048, rest: 14_275 }),
        ),
        (
            r#"level=INFO msg="peak memory" size="1.5 GiB""#,
            line(ServerLine::PeakMemory { bytes: 1_610_612_736 }),
        ),
        (
            r#"level=DEBUG msg="evicting leaf" offset=8192 tokens=700 freed="1 MiB""#,
            line(ServerLine::Evicted { tokens: Some(700) }),
        ),
        (
            r#"[GIN] 2026/08/21 - 17:00:01 | 404 |      12.3µs |       127.0.0.1 | POST     "/v1/messages/count_tokens?beta=true""#,
            line(ServerLine::Access {
                method: "POST".into(),
                path: "/v1/messages/count_tokens".into(),
                status: 404,
            }),
        ),
        (
            " [nvidia/nemotron-3-nano-4b] Prompt processing progress: 50.4%",
            Some(Said::Share(0.504)),
        ),
        (
            "[2026-02-08 17:59:26][INFO][model] Prompt processing progress: 0.0%",
            Some(Said::Share(0.0)),
        ),
        ("Finished streaming response", Some(Said::Ended)),
        (
            "Prompt processing progress: 2048/14275",
            Some(Said::OfRest { read: 2_048, rest: 14_275 }),
        ),
        (
            "[2026-01-01] Prefill batch, #new-seq: 1, #new-token: 2048, #cached-token: 512, token usage: 0.12, #running-req: 0, #queue-req: 3, #pending-token: 14336, cuda graph: False, input throughput (token/s): 1234.56",
            Some(Said::Chunk {
                new: 2_048,
                cached: 512,
                pending: Some(14_336),
                load: load(0, 3, 12.0),
            }),
        ),
        (
            "Engine 000: Avg prompt throughput: 812.3 tokens/s, Avg generation throughput: 0.0 tokens/s, Running: 1 reqs, Waiting: 2 reqs, GPU KV cache usage: 12.3%, Prefix cache hit rate: 45.6%",
            Some(Said::Load(load(1, 2, 12.3))),
        ),
        ("srv  update_slots: all slots are idle", None),
        ("", None),
        ("msg=", None),
        ("Prompt processing progress: -3%", None),
        ("new prompt, task.n_tokens = ", None),
        ("prompt processing, n_tokens = 99999999999999999999999", None),
    ];
    for (text, said) in table {
        assert_eq!(read(text), said, "{text}");
    }
}

fn tokens(done: u64, cached: Option<u64>, total: Option<u64>) -> LogProgress {
    LogProgress::Tokens { done, cached, total }
}

/// What the story is at after each line.
fn told(lines: &[&str]) -> Vec<Option<LogProgress>> {
    let mut story = Story::default();
    lines
        .iter()
        .map(|line| {
            story.line(line);
            story.progress()
        })
        .collect()
}

#[test]
fn llama_cpp_counts_from_its_cache_hit_on() {
    let at = |done| Some(tokens(done, Some(2_048), Some(8_711)));
    assert_eq!(
        told(&[
            "task 12 | new prompt, n_ctx_slot = 32768, n_keep = 0, task.n_tokens = 8711",
            "task 12 | cached n_tokens = 2048, memory_seq_rm [2048, end)",
            "task 12 | prompt processing, n_tokens =   2048, progress = 0.47, t = 3.6 s",
            // Printed again with every batch, and grown: not the hit.
            "task 12 | cached n_tokens = 4096, memory_seq_rm [4096, end)",
            // A title request in another slot.
            "task 13 | new prompt, n_ctx_slot = 32768, n_keep = 0, task.n_tokens = 300",
            "task 13 | prompt processing, n_tokens = 300, progress = 1.0",
            "task 13 | n_gen = 100, tg = 41.20 t/s",
            "task 12 | prompt processing, n_tokens =   4096, progress = 0.70, t = 3.6 s",
            "task 12 | n_decoded = 100, tg = 41.20 t/s",
        ]),
        [None, at(2_048), at(4_096), at(4_096), at(4_096), at(4_096), at(4_096), at(6_144), None]
    );
    // INFO alone: neither total nor hit is told, the share gives the total.
    assert_eq!(
        told(&["task 1 | prompt processing, n_tokens = 4096, progress = 0.50, t = 3 s"]),
        [Some(tokens(4_096, None, Some(8_192)))]
    );
}

#[test]
fn mlx_counts_what_the_cache_left() {
    let at = |done| Some(tokens(done, Some(34_816), Some(49_091)));
    assert_eq!(
        told(&[
            r#"msg="cache hit" total=49091 matched=34816 cached=34816 left=14275"#,
            r#"msg="Prompt processing progress" processed=2048 total=14275"#,
            r#"msg="Prompt processing progress" processed=14274 total=14275"#,
            r#"msg="peak memory" size="18.2 GiB""#,
            r#"msg="cache miss" total=337 matched=0 cached=0 left=337"#,
        ]),
        [at(34_816), at(36_864), at(49_090), None, Some(tokens(0, Some(0), Some(337)))]
    );
}

#[test]
fn sglang_counts_down() {
    let line = |new, cached, pending| {
        format!(
            "Prefill batch, #new-seq: 1, #new-token: {new}, #cached-token: {cached}, token usage: 0.1, #running-req: 0, #queue-req: 0, #pending-token: {pending}"
        )
    };
    let lines = [line(2_048, 512, 3_000), line(2_048, 0, 952), line(952, 0, 0), line(64, 5_000, 0)];
    let mut story = Story::default();
    let done: Vec<_> = lines
        .iter()
        .filter_map(|l| story.line(l).into_iter().find(|n| matches!(n, LogNews::Progress(_))))
        .collect();
    let at = |done| LogNews::Progress(tokens(done, Some(512), Some(5_560)));
    let next = LogNews::Progress(tokens(5_064, Some(5_000), Some(5_064)));
    assert_eq!(done, [at(2_560), at(4_608), at(5_560), next]);
}

proptest! {
    #[test]
    fn no_line_is_too_strange(lines in prop::collection::vec(".{0,200}", 0..20)) {
        let mut story = Story::default();
        for line in &lines {
            story.line(line);
        }
    }

    /// Known lines with any piece cut out or doubled: nothing panics, and progress keeps its order.
    #[test]
    fn damaged_lines_do_no_harm(cut in 0_usize..120, len in 0_usize..40, which in 0_usize..4) {
        let line = [
            "slot update_slots: id  0 | task 12 | new prompt, n_ctx_slot = 32768, task.n_tokens = 8711",
            "task 12 | prompt processing, n_tokens =   4096, progress = 0.47, t =   3.61 s",
            r#"msg="cache hit" total=49091 matched=34816 cached=34816 left=14275 größe=µ"#,
            "Prefill batch, #new-token: 2048, #cached-token: 512, #pending-token: 14336",
        ][which];
        let damaged: String =
            line.chars().take(cut).chain(line.chars().skip(cut + len)).collect();
        let mut story = Story::default();
        story.line(line);
        story.line(&damaged);
        if let Some(LogProgress::Tokens { done, total: Some(total), .. }) = story.progress() {
            prop_assert!(done <= total);
        }
    }
}
