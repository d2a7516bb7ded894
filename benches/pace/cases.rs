//! The cases: each measures every subject in turn, prints a table and judges lcc's bounds.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use super::{
    child,
    figures::{median, ms, quantile, verdict},
    outer::{cpu, memory},
    subject::{Stage, Subject},
};

/// A case measures, prints, and says whether lcc's bounds are held.
type Case = fn(&Stage, bool) -> bool;

/// Every case with its name.
pub const ALL: [(&str, Case); 6] = [
    ("echo", echo),
    ("flood", flood),
    ("interrupt", interrupt),
    ("idle", idle),
    ("memory", scrollback),
    ("start", start),
];

const LIMIT: Duration = Duration::from_secs(120);

/// From a key written to the outer terminal to its echo read from there.
fn echo(stage: &Stage, quick: bool) -> bool {
    let keys: u8 = if quick { 4 } else { 16 };
    let rounds = if quick { 1 } else { 3 };
    let mut held = true;
    for gap in [Duration::from_millis(10), Duration::from_millis(50)] {
        println!("key to echo, {} ms between keys, lcc's panes at 10 Hz", gap.as_millis());
        let mut times: BTreeMap<Subject, Vec<f64>> = BTreeMap::new();
        // In turn, several times: what else the machine does meets all of them.
        for _ in 0..rounds {
            for subject in stage.subjects() {
                let mut outer = stage.open(subject, true, false);
                let times = times.entry(subject).or_default();
                for at in 0..u16::from(keys) * 26 {
                    let key = b'a' + u8::try_from(at % 26).unwrap_or(0);
                    let mut mark = [0; 4];
                    let mark = child::glyph(key).encode_utf8(&mut mark).as_bytes();
                    let sent = Instant::now();
                    outer.send(&[key]);
                    let seen = outer.wait_bytes(mark, sent, Duration::from_secs(5));
                    times.push(ms(seen.unwrap_or(Duration::from_secs(5))));
                    let left = gap.saturating_sub(sent.elapsed());
                    outer.read_for(left);
                }
            }
        }
        println!("  {:10} {:>8} {:>8} {:>8} {:>8}  (milliseconds)", "", "p50", "p90", "p99", "max");
        let mut at = BTreeMap::new();
        for (subject, times) in &mut times {
            let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|q| quantile(times, q));
            println!("  {:10} {p50:8.2} {p90:8.2} {p99:8.2} {max:8.2}", subject.name());
            at.insert(*subject, (p50, p99));
        }
        let (p50, p99) = at[&Subject::Lcc];
        if let Some((tmux50, tmux99)) = at.get(&Subject::Tmux) {
            held &= verdict("p50 over tmux", p50 - tmux50, 0.5, "ms", true);
            held &= verdict("p99 over tmux", p99 - tmux99, 3.0, "ms", true);
        }
    }
    held
}

/// `cat` of a large file: how fast it is through, and what the screen then is.
fn flood(stage: &Stage, quick: bool) -> bool {
    let rounds = if quick { 1 } else { 5 };
    println!("{} MB of lines through the pane", stage.megabytes);
    let mut rates: BTreeMap<Subject, Vec<f64>> = BTreeMap::new();
    let (mut grown, mut equal) = (0_u64, true);
    for _ in 0..rounds {
        for subject in stage.subjects() {
            let screen = subject != Subject::Bare;
            let mut outer = stage.open(subject, false, screen);
            let before = memory(outer.pid(), "VmHWM").unwrap_or(0);
            let sent = Instant::now();
            outer.send(&[child::FLOOD]);
            let seen = outer.wait_bytes(child::DONE.as_bytes(), sent, LIMIT).expect("the end");
            #[allow(clippy::cast_precision_loss)]
            rates.entry(subject).or_default().push(stage.megabytes as f64 / seen.as_secs_f64());
            if subject == Subject::Lcc {
                // The scrollback fills in the first megabyte; the rest must cost nothing.
                grown = memory(outer.pid(), "VmHWM").unwrap_or(0).saturating_sub(before);
                outer.read_for(Duration::from_millis(300));
                equal &= last_lines(&outer.text());
            }
        }
    }
    println!("  {:10} {:>8}", "", "MB/s");
    let mut at = BTreeMap::new();
    for (subject, rates) in &mut rates {
        let rate = median(rates);
        println!("  {:10} {rate:8.1}", subject.name());
        at.insert(*subject, rate);
    }
    println!("  lcc grew by {:.1} MiB at its highest", mib(grown));
    let lcc = at[&Subject::Lcc];
    let mut held = verdict("of the bare reader", lcc / at[&Subject::Bare], 0.8, "", false);
    if let Some(tmux) = at.get(&Subject::Tmux) {
        held &= verdict("times tmux", lcc / tmux, 1.7, "", false);
    }
    println!(
        "  {} the screen afterwards is the expected one",
        if equal { "held  " } else { "MISSED" }
    );
    held && equal
}

/// Whether the last lines of the flood stand there in order, the mark below them.
fn last_lines(text: &str) -> bool {
    let mut numbers = Vec::new();
    let mut done = false;
    for line in text.lines() {
        if let Some((before, _)) = line.split_once(" the quick brown fox") {
            let digits: String = before.chars().filter(char::is_ascii_digit).collect();
            numbers.extend(digits.parse::<u64>());
        }
        done |= line.contains(child::DONE);
    }
    done && numbers.len() > 30 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// Ctrl-C in the middle of a flood: from the key to the mark that it has been heard.
fn interrupt(stage: &Stage, quick: bool) -> bool {
    let rounds = if quick { 2 } else { 10 };
    println!("Ctrl-C in an endless flood, until its answer is on the screen");
    let mut times: BTreeMap<Subject, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        for subject in stage.subjects() {
            let mut outer = stage.open(subject, false, false);
            outer.send(&[child::ENDLESS]);
            outer.read_for(Duration::from_millis(700));
            let sent = Instant::now();
            outer.send(b"\x03");
            let seen = outer.wait_bytes(child::STOPPED.as_bytes(), sent, Duration::from_secs(10));
            times.entry(subject).or_default().push(ms(seen.unwrap_or(Duration::from_secs(10))));
        }
    }
    println!("  {:10} {:>8} {:>8}  (milliseconds)", "", "p50", "max");
    let mut held = true;
    for (subject, times) in &mut times {
        let (middle, most) = (median(times), quantile(times, 1.0));
        println!("  {:10} {middle:8.1} {most:8.1}", subject.name());
        if *subject == Subject::Lcc {
            held = verdict("at most", most, 100.0, "ms", true);
        }
    }
    held
}

/// Nothing happens: what it costs, and what is written all the same.
fn idle(stage: &Stage, quick: bool) -> bool {
    let time = Duration::from_secs(if quick { 5 } else { 20 });
    println!("nothing happens for {} s", time.as_secs());
    let mut held = true;
    for subject in stage.subjects() {
        let mut outer = stage.open(subject, false, false);
        // Notices of the start go away by themselves, and the time idle is told by the minute after
        // the first: then there is nothing left to draw until the next minute.
        outer.read_for(Duration::from_secs(if subject == Subject::Lcc { 64 } else { 3 }));
        let pids = stage.processes(subject, &outer);
        let before: f64 = pids.iter().filter_map(|pid| cpu(*pid)).sum();
        let bytes = outer.read_for(time);
        let after: f64 = pids.iter().filter_map(|pid| cpu(*pid)).sum();
        let share = (after - before) / time.as_secs_f64() * 100.0;
        println!("  {:10} {share:6.2} % of a core, {bytes} bytes written", subject.name());
        if subject == Subject::Lcc {
            held &= verdict("share of a core", share, 0.3, "%", true);
            #[allow(clippy::cast_precision_loss)]
            let bytes = bytes as f64;
            held &= verdict("bytes written", bytes, 0.0, "bytes", true);
        }
    }
    held
}

/// Resident memory with a full scrollback.
fn scrollback(stage: &Stage, _quick: bool) -> bool {
    println!("after {} lines", child::LINE_COUNT);
    let mut held = true;
    for subject in stage.subjects().into_iter().filter(|s| *s != Subject::Bare) {
        let mut outer = stage.open(subject, false, false);
        let pids = stage.processes(subject, &outer);
        let rss = || pids.iter().filter_map(|pid| memory(*pid, "VmRSS")).sum::<u64>();
        let before = rss();
        outer.send(&[child::LINES]);
        outer.wait_bytes(child::DONE.as_bytes(), Instant::now(), LIMIT).expect("the end");
        outer.read_for(Duration::from_millis(500));
        let after = rss();
        println!("  {:10} {:6.1} MiB, {:.1} before", subject.name(), mib(after), mib(before));
        if subject == Subject::Lcc {
            let file = memory(outer.pid(), "RssFile").unwrap_or(0);
            println!("  {:10} {:6.1} MiB of it the program's own file", "", mib(file));
        }
        if subject == Subject::Lcc {
            held = verdict("resident", mib(after), 40.0, "MiB", true);
        }
    }
    held
}

/// From exec to the first frame, and to the child's first glyph.
fn start(stage: &Stage, quick: bool) -> bool {
    let rounds = if quick { 3 } else { 20 };
    println!("milliseconds after exec, medians of {rounds}");
    let mut frames: Vec<f64> = Vec::new();
    let mut ready: BTreeMap<Subject, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        for subject in stage.subjects() {
            let program = stage.program(subject, false);
            let mut outer = super::outer::Outer::start(&program, subject == Subject::Lcc);
            let started = outer.started;
            if subject == Subject::Lcc {
                let at = outer.wait_text(" lcc ", started, LIMIT).expect("a first frame");
                frames.push(ms(at));
                let at = outer.wait_text(child::READY, started, LIMIT).expect("the child");
                ready.entry(subject).or_default().push(ms(at));
            } else {
                let at = outer.wait_bytes(child::READY.as_bytes(), started, LIMIT);
                ready.entry(subject).or_default().push(ms(at.expect("the child")));
            }
            drop(outer);
            thread::yield_now();
        }
    }
    for (subject, times) in &mut ready {
        println!("  {:10} the child's first glyph {:8.1}", subject.name(), median(times));
    }
    let first = median(&mut frames);
    println!("  {:10} its own first frame     {first:8.1}", "lcc");
    verdict("first frame", first, 40.0, "ms", true)
}

#[allow(clippy::cast_precision_loss)]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
