//! Models with figures as they come up in real sessions, and frames as text.
#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lcc::{
    domain::{EgressWay, Moment, Phase, Policy, Risk, ServerKind, Source, Tier},
    front::{
        app::{self, Effect, Message, Model, Options, Title},
        input::Keymap,
        theme, ui,
    },
    protocol::{
        CacheBreak, CacheFigures, CompactionFigures, EgressFigures, ForecastFigures, LimitFigures,
        NoiseFigures, Notice, NoticeLevel, PrefillFigures, PrefillLast, SandboxFigures,
        ServerFigures, Snapshot, ThinkingFigures, TimeFigures, Update, WayOut, WindowFigures,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};

pub const SIZES: [(u16, u16); 4] = [(60, 18), (80, 24), (120, 40), (200, 60)];

pub fn model(size: (u16, u16), practice: bool) -> Model {
    let title = Title { project: "my-project".to_owned(), practice };
    let keymap = Keymap::default();
    let themes = theme::builtin();
    Model::new(Options { title, keymap, themes, theme: 0, scrollback: 100 }, size)
}

/// Claude Code on screen, with these figures.
pub fn running(size: (u16, u16), snapshot: Snapshot) -> Model {
    let practice = snapshot.server.kind == Some(ServerKind::Practice);
    let mut model = model(size, practice);
    output(&mut model, "> fix the failing ingress\r\n\r\n* I'll look at the ingress first.\r\n> ");
    say(&mut model, Update::Snapshot(Box::new(snapshot)));
    model
}

pub fn output(model: &mut Model, text: &str) -> Vec<Effect> {
    say(model, Update::Output(Bytes::copy_from_slice(text.as_bytes())))
}

pub fn say(model: &mut Model, update: Update) -> Vec<Effect> {
    app::update(model, Message::Update(update))
}

pub fn notice(model: &mut Model, level: NoticeLevel, text: &str) {
    say(model, Update::Notice(Notice { level, text: text.to_owned() }));
}

pub fn press(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    app::update(model, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

pub fn tick(model: &mut Model, ms: u64) -> Vec<Effect> {
    app::update(model, Message::Tick(Moment::from_millis(ms)))
}

pub fn frame(model: &Model) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    ui::draw(model, model.theme(), &mut buffer);
    buffer
}

/// The frame as lines of text; a wide character's second cell is left out.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width)) {
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A session in the middle of its work, idle.
pub fn idle() -> Snapshot {
    Snapshot {
        session: "s1".to_owned(),
        fixed_parts: Vec::new(),
        phase: Phase::Idle,
        phase_s: 4.2,
        turns: 7,
        window: WindowFigures {
            size: Some(32_768),
            used: Some(14_902),
            percent: Some(45.48),
            fixed: Some(3_510),
            source: Some(Source::Server),
            fixed_source: Some(Source::Estimate),
            ..WindowFigures::default()
        },
        prefill: PrefillFigures {
            last: Some(PrefillLast {
                seconds: 3.4,
                total: Some(14_410),
                cached: Some(14_296),
                rate: Some(214.4),
            }),
            ..PrefillFigures::default()
        },
        cache: CacheFigures {
            last_ratio: Some(0.992),
            session_ratio: Some(0.98),
            reread_tokens: 0,
            breaks: 0,
            last_break: None,
            estimated: false,
            ..CacheFigures::default()
        },
        thinking: ThinkingFigures { off: true, ..ThinkingFigures::default() },
        noise: NoiseFigures {
            total: 212,
            by_path: [
                ("/v1/messages/count_tokens".to_owned(), 180),
                ("/api/hello".to_owned(), 20),
                ("/api/event_logging/batch".to_owned(), 12),
            ]
            .into(),
        },
        time: TimeFigures {
            prefill_s: 463.0,
            generate_s: 190.0,
            tools_s: 107.0,
            idle_s: 320.0,
            compaction_s: 0.0,
            turn_s: Some(112.0),
            session_s: 1_080.0,
        },
        forecast: ForecastFigures {
            turns_left: Some(9),
            risk: Risk::None,
            reason: None,
            next_prefill_s: Some(1.2),
            ..ForecastFigures::default()
        },
        compactions: CompactionFigures::default(),
        server: ServerFigures {
            kind: Some(ServerKind::LlamaServer),
            version: Some("b11434".to_owned()),
            model: Some("qwen3.6:35b-a3b".to_owned()),
            url: Some("http://127.0.0.1:8080".to_owned()),
            healthy: Some(true),
            rss: Some(21_582_000_000),
            memory_percent: Some(71.3),
            swap: Some(0),
            ..ServerFigures::default()
        },
        warm: lcc::protocol::WarmFigures::default(),
        sandbox: SandboxFigures {
            tier: Some(Tier::Strict),
            probes: Some(58),
            blocked: Some(58),
            left_bytes: Some(0),
            ..SandboxFigures::default()
        },
        ..Snapshot::default()
    }
}

pub fn practice_idle() -> Snapshot {
    let mut s = idle();
    s.turns = 0;
    s.window = WindowFigures { size: Some(32_768), ..WindowFigures::default() };
    s.prefill.last = None;
    s.cache = CacheFigures::default();
    s.noise = NoiseFigures { total: 1, by_path: [("HEAD /".to_owned(), 1)].into() };
    s.time = TimeFigures { idle_s: 4.2, session_s: 6.0, ..TimeFigures::default() };
    s.forecast = ForecastFigures::default();
    s.server.kind = Some(ServerKind::Practice);
    s.server.version = Some("practice-0.1.0".to_owned());
    s.server.model = Some("practice".to_owned());
    s.server.rss = None;
    s
}

pub fn prefill() -> Snapshot {
    let mut s = idle();
    s.phase = Phase::Prefill;
    s.phase_s = 12.0;
    s.prefill = PrefillFigures {
        error_percent: None,
        done: Some(2_604),
        total: Some(4_268),
        cached: Some(1_210),
        rate: Some(214.0),
        eta_s: Some(7.8),
        source: Some(Source::Server),
        total_estimated: false,
        elapsed_s: Some(12.0),
        last: s.prefill.last,
        kept: None,
    };
    s
}

/// As on a server that does not tell its progress.
pub fn prefill_estimated() -> Snapshot {
    let mut s = prefill();
    s.prefill.source = Some(Source::Estimate);
    s.prefill.error_percent = Some(12.3);
    s.prefill.total_estimated = true;
    s.prefill.cached = None;
    s.window.source = Some(Source::Estimate);
    s.server.kind = Some(ServerKind::Ollama);
    s.server.version = Some("0.33.0".to_owned());
    s
}

pub fn generating() -> Snapshot {
    let mut s = idle();
    s.phase = Phase::Generate;
    s.phase_s = 72.0;
    s
}

fn way(reads_tokens: u64, seconds: f64, frees: u64) -> Option<WayOut> {
    Some(WayOut { reads_tokens, seconds: Some(seconds), frees, fits: true })
}

pub fn risk(risk: Risk) -> Snapshot {
    let mut s = idle();
    s.window.used = Some(27_300);
    s.window.percent = Some(83.3);
    s.forecast = ForecastFigures {
        turns_left: Some(u64::from(risk == Risk::Near)),
        risk,
        reason: Some("the largest turn so far added 4,100 tok".to_owned()),
        next_prefill_s: Some(64.0),
        compact: way(2_600, 36.0, 19_200),
        fresh: way(0, 1.2, 23_790),
        handover: way(1_200, 6.4, 22_590),
        ..ForecastFigures::default()
    };
    s
}

/// A tool's result that did not fit, when policy `auto` has given up.
pub fn turned_back() -> Snapshot {
    let mut s = risk(Risk::Now);
    s.window.turned_back = true;
    s.forecast.policy = Policy::Auto;
    s.forecast.given_up = Some("the compaction failed: F2 tries again".to_owned());
    s.forecast.reason = Some(
        "the last request had 40,120 tok, 32,512 fit the window with the shortest answer: the \
         result of Bash (kubectl get pods -A -o yaml) is ~12,800 tok; it was not sent"
            .to_owned(),
    );
    if let Some(compact) = &mut s.forecast.compact {
        compact.fits = false;
    }
    s
}

pub fn broken() -> Snapshot {
    let mut s = idle();
    s.cache = CacheFigures {
        last_ratio: Some(0.12),
        session_ratio: Some(0.71),
        reread_tokens: 24_100,
        breaks: 1,
        last_break: Some(CacheBreak {
            at_token: 3_512,
            section: "messages[0]".to_owned(),
            cause: "a title request took the slot".to_owned(),
            fix: Some("side_requests = \"auto\"".to_owned()),
            kind: lcc::protocol::BreakKind::SideRequest,
            tokens: 24_100,
            seconds: Some(58.0),
            estimated: false,
        }),
        estimated: true,
        ..CacheFigures::default()
    };
    s
}

pub fn leaked() -> Snapshot {
    let mut s = idle();
    s.thinking =
        ThinkingFigures { tokens: 1_204, estimated: true, off: true, leaked_turns: 2, stopped: 1 };
    s
}

pub fn truncated() -> Snapshot {
    let mut s = idle();
    s.window.truncated = true;
    s.window.dropped = Some(7_232);
    s
}

pub fn lost() -> Snapshot {
    let mut s = prefill();
    s.server.healthy = Some(false);
    s.server.rss = None;
    s
}

/// A sandbox with attempts to leave, caps, and for `Reduced` what it lacks.
pub fn busy_sandbox(tier: Tier) -> Snapshot {
    let mut s = idle();
    let attempt = |program: Option<&str>, destination: &str, how, times| EgressFigures {
        program: program.map(str::to_owned),
        destination: destination.to_owned(),
        how,
        times,
    };
    s.sandbox = SandboxFigures {
        tier: Some(tier),
        probes: Some(84),
        blocked: Some(84),
        egress_blocked: 9,
        refused_calls: 2,
        egress: vec![
            attempt(Some("curl"), "127.0.0.77:80", EgressWay::Connect, 6),
            attempt(
                Some("npm exec"),
                "IPv4 datagram socket (UDP, name look-up)",
                EgressWay::Socket,
                1,
            ),
            attempt(None, "example.invalid:443", EgressWay::Tunnel, 2),
        ],
        left_bytes: Some(0),
        limits: Some(LimitFigures {
            held_by: "cgroup".to_owned(),
            memory: Some(8 << 30),
            memory_used: Some(712 << 20),
            processes: Some(4_096),
            processes_used: Some(23),
            disk_free_least: Some(1 << 30),
            disk_free: Some(59 << 30),
        }),
        lacks: match tier {
            Tier::Reduced => lcc::engine::sandbox::reduced::LACKS.map(str::to_owned).into(),
            Tier::Strict | Tier::Off => Vec::new(),
        },
        ..SandboxFigures::default()
    };
    s
}

pub fn unconfined(tier: Tier) -> Snapshot {
    let mut s = idle();
    s.sandbox = SandboxFigures { tier: Some(tier), ..SandboxFigures::default() };
    s
}
