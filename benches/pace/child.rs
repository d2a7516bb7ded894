//! What runs in every pane: a program that echoes, floods, sleeps, in Claude Code's place.

use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    thread,
};

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

// Each mark is one glyph that nothing else prints: a multiplexer writes only the cells that differ.

/// The key with which the child prints the file named in the environment, and the mark after it.
pub const FLOOD: u8 = b'F';
/// The mark at the end of a flood.
pub const DONE: &str = "◉";
/// The key that starts a flood which only Ctrl-C ends, and the mark after that.
pub const ENDLESS: u8 = b'E';
/// What stands there when Ctrl-C has ended it.
pub const STOPPED: &str = "◎";
/// The key that has it print so many lines with numbers.
pub const LINES: u8 = b'L';
/// What stands there when the child is ready.
pub const READY: &str = "◈";
/// Lines that [`LINES`] prints.
pub const LINE_COUNT: usize = 12_000;

/// The glyph that a key is echoed as: no other program writes it.
pub fn glyph(key: u8) -> char {
    char::from_u32(0x2460 + u32::from(key - b'a')).unwrap_or('?')
}

/// Runs as the child: `[file]`.
pub fn run(words: &[String]) -> ExitCode {
    let file = words.first().cloned().unwrap_or_default();
    let stdin = std::io::stdin();
    let cooked = tcgetattr(&stdin).expect("a terminal");
    let mut raw = cooked.clone();
    cfmakeraw(&mut raw);
    tcsetattr(&stdin, SetArg::TCSANOW, &raw).expect("raw mode");
    thread::spawn(busy_server);
    let mut out = std::io::stdout().lock();
    let mut say = move |bytes: &[u8]| {
        // A pane that has gone wants nothing.
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    };
    say(format!("\x1b[2J\x1b[H{READY}\r\n").as_bytes());
    let mut keys = stdin.lock();
    let mut key = [0_u8; 1];
    while matches!(keys.read(&mut key), Ok(1)) {
        match key[0] {
            key @ b'a'..=b'z' => say(format!("\x1b[H{}", glyph(key)).as_bytes()),
            FLOOD => {
                let mut file = File::open(&file).expect("the flood's file");
                let mut piece = vec![0; 128 << 10];
                while let Ok(n @ 1..) = file.read(&mut piece) {
                    say(&piece[..n]);
                }
                say(format!("\r\n{DONE}\r\n").as_bytes());
            }
            LINES => {
                for line in 0..LINE_COUNT {
                    say(format!("{line:6} {}\r\n", "a line of the scrollback ".repeat(6))
                        .as_bytes());
                }
                say(format!("\r\n{DONE}\r\n").as_bytes());
            }
            ENDLESS => {
                // The line discipline makes the signal, as for any program of a shell.
                let _ = tcsetattr(&stdin, SetArg::TCSANOW, &cooked);
                let script = format!(
                    "trap 'printf \"\\n{STOPPED}\\n\"; exit' INT; yes 'a flood that only Ctrl-C ends'"
                );
                // In this program's place: Ctrl-C meets everybody in the foreground.
                let error = Command::new("sh").args(["-c", &script]).exec();
                say(format!("no shell: {error}\r\n").as_bytes());
                return ExitCode::FAILURE;
            }
            _ => {}
        }
    }
    ExitCode::SUCCESS
}

/// Keeps the model server reading one long prompt, where there is one: the cockpit's figures then
/// change ten times a second.
fn busy_server() {
    let (Ok(url), Ok(token)) =
        (std::env::var("ANTHROPIC_BASE_URL"), std::env::var("ANTHROPIC_AUTH_TOKEN"))
    else {
        return;
    };
    if std::env::var_os("LCC_BENCH_IDLE").is_some() {
        return;
    }
    let addr = url.trim_start_matches("http://").to_owned();
    let prompt = "word ".repeat(20_000);
    let body = format!(
        "{{\"model\":\"practice\",\"max_tokens\":20,\"stream\":true,\"tools\":[{{\"name\":\"Bash\",\
         \"description\":\"run\",\"input_schema\":{{\"type\":\"object\"}}}}],\
         \"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
    );
    let Ok(mut stream) = TcpStream::connect(&addr) else { return };
    let head = format!(
        "POST /v1/messages?beta=true HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_ok() {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
}
