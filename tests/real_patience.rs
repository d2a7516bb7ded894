//! The real Claude Code before a server that reads a prompt for more than ten minutes in silence:
//! it neither gives up nor asks twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{Key, Lcc, Project, Real};
use lcc::{
    domain::Phase,
    engine::practice::{self, PracticeOptions},
    protocol::Snapshot,
};

/// Tokens a second the server reads.
const READ_RATE: f64 = 40.0;

/// How long a run is, and what is set for it.
#[derive(Clone, Copy)]
struct Course {
    /// Words of one token each that the project's instructions hold.
    words: usize,
    /// Tokens that the prompt must have at least.
    tokens: u64,
    /// More lines for the configuration.
    config: &'static str,
}

/// Between lcc and the server: counts the requests to the model, and holds an answer back until
/// its first token, as servers do that send no head before it.
struct Silence {
    addr: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Silence {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                relay(client, server, Arc::clone(&counter));
            }
        });
        Self { addr, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn relay(client: TcpStream, server: TcpStream, asked: Arc<AtomicUsize>) {
    let silent = Arc::new(AtomicBool::new(false));
    let mut up = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let hush = Arc::clone(&silent);
    thread::spawn(move || {
        let mut piece = [0; 64 * 1024];
        while let Ok(count @ 1..) = up.0.read(&mut piece) {
            let model = |name: &[u8]| piece[..count].starts_with(name);
            if model(b"POST /v1/messages?") || model(b"POST /v1/messages ") {
                asked.fetch_add(1, Ordering::SeqCst);
                hush.store(true, Ordering::SeqCst);
            }
            if up.1.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        // A client that goes takes its request with it.
        let _ = up.1.shutdown(Shutdown::Both);
    });
    let mut down = (server, client);
    thread::spawn(move || {
        let mut piece = [0; 64 * 1024];
        let mut held = Vec::new();
        while let Ok(count @ 1..) = down.0.read(&mut piece) {
            held.extend_from_slice(&piece[..count]);
            let begun = held.windows(13).any(|w| w == b"message_start");
            if silent.load(Ordering::SeqCst) && held.starts_with(b"HTTP/1.1 200") && !begun {
                continue;
            }
            silent.store(false, Ordering::SeqCst);
            if down.1.write_all(&held).is_err() {
                break;
            }
            held.clear();
        }
        let _ = down.1.shutdown(Shutdown::Both);
    });
}

/// One prompt, to its answer.
fn wait(version: &str, claude: &Path, course: Course) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = PracticeOptions {
        read_rate: READ_RATE,
        write_rate: 200.0,
        window: 65_536,
        batch: 64,
        ..PracticeOptions::default()
    };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    let silence = Silence::before(server.addr());
    let project = Project::with_git();
    project.write("CLAUDE.md", &"so ".repeat(course.words));
    let lcc = Lcc::new(project.path())
        .env("LCC_CLAUDE", claude)
        .config(&format!("profile = \"lean\"\n{}\n", course.config))
        .args(["--server", &format!("http://{}", silence.addr)]);
    let mut outer = lcc.start();
    outer.wait_for("❯", Duration::from_secs(60));
    outer.type_text("practice: say patient");
    outer.wait_for("practice: say patient", Duration::from_secs(30));
    outer.key(Key::Enter);

    let start = Instant::now();
    let within = Duration::from_secs_f64(course.tokens as f64 / READ_RATE * 1.6 + 60.0);
    let mut told = 0;
    let figures = loop {
        let figures = lcc.figures().expect("the session answers");
        if figures.turns > 0 && figures.phase == Phase::Idle {
            break figures;
        }
        let seconds = start.elapsed().as_secs();
        if seconds / 60 >= told {
            told += 1;
            println!("{version} at {seconds} s: {} asked, {:?}", silence.asked(), figures.prefill);
            println!("{}", outer.screen_text());
        }
        assert!(
            start.elapsed() < within,
            "{version}: no answer; {} asked; the screen:\n{}",
            silence.asked(),
            outer.screen_text()
        );
        thread::sleep(Duration::from_secs(1));
    };
    let last = figures.prefill.last.expect("a prefill");
    println!(
        "{version}: {:?} tokens, first token after {:.0} s, {} request(s) to the model",
        last.total,
        last.seconds,
        silence.asked()
    );
    assert!(last.total.unwrap() >= course.tokens, "{last:?}");
    assert!(last.seconds >= course.tokens as f64 / READ_RATE, "{last:?}");
    assert_eq!(silence.asked(), 1, "{version} asked again");
    outer.wait_for("patient", Duration::from_secs(10));
    assert!(outer.leave(Duration::from_secs(20)).success());
}

/// A prompt that is read with pings, given up by Esc, and one more.
fn interrupt(version: &str) {
    let (Some(claude), Some(_)) = (Real::claude(version), Real::bwrap()) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = PracticeOptions {
        read_rate: 400.0,
        write_rate: 200.0,
        batch: 64,
        ..PracticeOptions::default()
    };
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        practice::start(listener, options).await.unwrap()
    });
    let silence = Silence::before(server.addr());
    let project = Project::with_git();
    let lcc = Lcc::new(project.path())
        .env("LCC_CLAUDE", claude)
        .config("profile = \"lean\"\nping_seconds = 1\n")
        .args(["--server", &format!("http://{}", silence.addr)]);
    let mut outer = lcc.start();
    let until = |what: &str, outer: &common::Outer, holds: &dyn Fn(&Snapshot) -> bool| {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let figures = lcc.figures().expect("the session answers");
            if holds(&figures) {
                return figures;
            }
            assert!(Instant::now() < end, "{what}: {figures:#?}\n{}", outer.screen_text());
            thread::sleep(Duration::from_millis(20));
        }
    };
    outer.wait_for("❯", Duration::from_secs(60));
    outer.type_text("practice: say first");
    outer.wait_for("practice: say first", Duration::from_secs(30));
    outer.key(Key::Enter);
    // Beyond the first pings.
    until("half of it read", &outer, &|f| f.prefill.done.is_some_and(|done| done >= 1_600));
    outer.key(Key::Escape);
    let left = Instant::now();
    let figures = until("the end", &outer, &|f| f.phase == Phase::Idle && f.prefill.kept.is_some());
    let kept = figures.prefill.kept.unwrap();
    println!("{version}: given up {:?} after Esc, {kept:?}", left.elapsed());
    assert!(kept.tokens >= 1_600 && kept.tokens < kept.total, "{kept:?}");

    // Claude Code may have put the prompt back into its box.
    outer.key(Key::Ctrl('u'));
    outer.type_text("practice: say second");
    outer.wait_for("practice: say second", Duration::from_secs(30));
    outer.key(Key::Enter);
    outer.wait_for("● second", Duration::from_secs(120));
    let figures = until("the answer", &outer, &|f| f.phase == Phase::Idle && f.turns > 0);
    let last = figures.prefill.last.unwrap();
    println!("{version}: the next prompt: {last:?}, {} asked", silence.asked());
    assert!(last.cached.unwrap() >= 1_600, "{last:?}");
    assert_eq!(figures.cache.breaks, 0, "{:?}", figures.cache);
    assert!(outer.leave(Duration::from_secs(20)).success());
}

#[test]
fn esc_on_2_1_197_ends_the_reading_and_keeps_what_was_read() {
    interrupt("2.1.197");
}

#[test]
fn esc_on_2_1_330_ends_the_reading_and_keeps_what_was_read() {
    interrupt("2.1.330");
}

/// Both versions at once: they wait, they do not work.
fn both(course: Course) {
    let versions = ["2.1.197", "2.1.330"].map(|v| (v, Real::claude(v)));
    if Real::bwrap().is_none() {
        return;
    }
    thread::scope(|scope| {
        for (version, claude) in &versions {
            let Some(claude) = claude else { continue };
            scope.spawn(move || wait(version, claude, course));
        }
    });
}

/// With `LCC_TEST_LONG=1`: 25,000 tokens at 40 a second, over ten minutes to the first byte.
#[test]
fn ten_minutes_of_reading_are_waited_for() {
    if std::env::var_os("LCC_TEST_LONG").is_none() {
        return;
    }
    both(Course { words: 21_500, tokens: 25_000, config: "" });
}
