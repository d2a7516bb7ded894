//! How long a handover note takes, from the file of a transcript of 5 MB to the text.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{fmt::Write as _, fs, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use lcc::engine::{
    claude::transcript,
    window::handover::{LIMIT, gather, note},
};

const SESSION: &str = "0b6f3d2e-0000-4000-8000-000000000001";

/// A session as Claude Code writes it: prompts, answers, calls and results of a few kilobytes,
/// each result there twice, and every hundredth line broken.
fn session(bytes: usize) -> String {
    let mut out = String::from(
        "{\"type\":\"user\",\"uuid\":\"0\",\"parentUuid\":null,\"message\":{\"content\":\"fix the ingress\"}}\n",
    );
    let filling = "let x = compute(\\\"a value\\\", 42); // a line of some file\\n".repeat(40);
    let mut n = 0;
    while out.len() < bytes {
        let (a, b, c) = (n + 1, n + 2, n + 3);
        let common = "\"isSidechain\":false,\"cwd\":\"/p\",\"version\":\"2.1.330\"";
        let _ = writeln!(
            out,
            "{{\"parentUuid\":\"{n}\",{common},\"message\":{{\"role\":\"assistant\",\"content\":[{{\"type\":\"text\",\"text\":\"I'll go with plan {n} instead of the old one.\"}},{{\"type\":\"tool_use\",\"id\":\"t{n}\",\"name\":\"Bash\",\"input\":{{\"command\":\"make {n}\"}}}}]}},\"type\":\"assistant\",\"uuid\":\"{a}\"}}"
        );
        let _ = writeln!(
            out,
            "{{\"parentUuid\":\"{a}\",{common},\"type\":\"user\",\"uuid\":\"{b}\",\"message\":{{\"content\":[{{\"type\":\"tool_result\",\"tool_use_id\":\"t{n}\",\"is_error\":true,\"content\":\"Exit code 2\\n{filling}\"}}]}},\"toolUseResult\":{{\"stdout\":\"{filling}\"}}}}"
        );
        let _ = writeln!(
            out,
            "{{\"parentUuid\":\"{b}\",{common},\"type\":\"user\",\"uuid\":\"{c}\",\"message\":{{\"content\":\"no, keep number {n}\"}}}}"
        );
        if n % 99 == 0 {
            out.push_str("{\"type\":\"user\",\"half a line\n");
        }
        n += 3;
    }
    out
}

fn handover(c: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".claude/projects/-p");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{SESSION}.jsonl")), session(5 << 20)).unwrap();
    let mut group = c.benchmark_group("handover");
    group.sample_size(20);
    group.bench_function("5 MB transcript to note", |b| {
        b.iter(|| {
            let transcript = transcript::read(home.path(), Some(SESSION)).unwrap();
            let material = gather(&transcript, None, "/p").unwrap();
            let note = note(&material, LIMIT, 0.26);
            assert!(note.tokens <= LIMIT);
            black_box(note)
        });
    });
    group.finish();
}

criterion_group!(benches, handover);
criterion_main!(benches);
