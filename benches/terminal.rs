//! How fast bytes of the child become a screen, and a screen a frame.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lcc::front::terminal::{Options, Size, Terminal};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZE: Size = Size { cols: 160, rows: 50 };
const CHUNK: usize = 64 << 10;

fn payloads() -> [(&'static str, Vec<u8>); 4] {
    let lines = (0..4_000).map(|i| format!("line {i} of plain text, as cat prints it\r\n"));
    let emoji = "日本語 👨\u{200d}👩\u{200d}👧 👍🏽 ❤\u{fe0f} 🇩🇪 text\r\n".repeat(4_000);
    let inline = include_bytes!("../tests/fixtures/terminal/claude-2.1.197-inline.bin");
    let full = include_bytes!("../tests/fixtures/terminal/claude-2.1.330-full.bin");
    [
        ("ascii lines", lines.collect::<String>().into_bytes()),
        ("clusters", emoji.into_bytes()),
        ("claude inline", inline.repeat(20)),
        ("claude fullscreen", full.repeat(20)),
    ]
}

fn feed(c: &mut Criterion) {
    let mut group = c.benchmark_group("feed");
    group.sample_size(20);
    for (name, payload) in payloads() {
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(name, |b| {
            let mut terminal = Terminal::new(SIZE, Options::default());
            b.iter(|| {
                for chunk in payload.chunks(CHUNK) {
                    black_box(terminal.feed(chunk));
                }
            });
        });
    }
    group.finish();
}

fn draw(c: &mut Criterion) {
    let mut terminal = Terminal::new(SIZE, Options::default());
    for (_, payload) in payloads() {
        terminal.feed(&payload);
    }
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.cols, SIZE.rows));
    c.bench_function("draw", |b| b.iter(|| terminal.draw(buffer.area, black_box(&mut buffer))));
}

criterion_group!(benches, feed, draw);
criterion_main!(benches);
