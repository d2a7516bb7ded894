//! What goes on beside the loop: clipboard, saved files, calls to whoever looks elsewhere.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    process::Command,
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::front::{
    app::{Abilities, AttentionSettings, Message, Notifies, Want},
    terminal::Progress,
};

use super::{
    clipboard::{self, Way},
    outer,
    save::{self, Places},
};

/// Commands and programs that may be told at the same time; more calls than these are dropped.
const AT_ONCE: usize = 4;
/// A command that takes longer is ended.
const COMMAND_FOR: Duration = Duration::from_secs(30);
/// A program that listens answers at once, or it is left alone.
const WEBHOOK_FOR: Duration = Duration::from_secs(5);

/// What the shell knows of the world beside the terminal.
#[derive(Debug, Clone, Default)]
pub struct AsideOptions {
    /// Whom to call, and when.
    pub attention: AttentionSettings,
    /// How the outer terminal is asked to notify; `None`: as it understands.
    pub notifies: Option<Notifies>,
    /// A program and its arguments, run for each call.
    pub command: Vec<String>,
    /// An `http` address on this machine that each call is posted to.
    pub webhook: Option<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The project's folder.
    pub project: PathBuf,
    /// Where files are saved that were given a plain name.
    pub saved: PathBuf,
}

/// The worker beside the loop.
pub(super) struct Aside {
    options: AsideOptions,
    abilities: Abilities,
    results: mpsc::UnboundedSender<Message>,
    calls: Arc<Semaphore>,
    /// Whether the task bar shows anything of ours.
    progress: bool,
}

impl Aside {
    /// With the end of a channel on which its results come back as messages.
    pub(super) fn new(options: AsideOptions) -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (results, inbox) = mpsc::unbounded_channel();
        let abilities = Abilities::of_environment(|name| options.env.get(name).map(String::as_str));
        let calls = Arc::new(Semaphore::new(AT_ONCE));
        (Self { options, abilities, results, calls, progress: false }, inbox)
    }

    /// The terminal's own name and version says more than the environment, which a multiplexer or
    /// an ssh line may have changed.
    pub(super) fn named(&mut self, name: &str) {
        if let Some(abilities) = Abilities::of_xtversion(name) {
            self.abilities = abilities;
        }
    }

    /// Whether the outer terminal is known to report its focus.
    pub(super) const fn reports_focus(&self) -> bool {
        self.abilities.reports_focus
    }

    /// Has the outer terminal notify, in the form it understands.
    pub(super) fn notify(&self, text: &str, out: &mut Vec<u8>) {
        match self.options.notifies.unwrap_or(self.abilities.notifies) {
            Notifies::Osc9 => outer::notify(text, out),
            Notifies::Osc777 => outer::notify_777(text, out),
            Notifies::Osc99 => outer::notify_99(text, out),
            Notifies::Never => {}
        }
    }

    /// Tells the task bar, where the terminal has one.
    pub(super) fn progress(&mut self, progress: Progress, out: &mut Vec<u8>) {
        let on = progress != Progress::Off;
        if self.abilities.progress && (on || self.progress) {
            self.progress = on;
            outer::progress(progress, out);
        }
    }

    /// Takes back what the terminal would go on to show after lcc has left.
    pub(super) fn leave(&mut self, out: &mut Vec<u8>) {
        self.progress(Progress::Off, out);
    }

    /// Copies; the answer comes as a message.
    pub(super) fn copy(&self, text: String, out: &mut Vec<u8>) {
        let get = |name: &str| self.options.env.get(name).map(String::as_str);
        let path = get("PATH").unwrap_or_default();
        let there = |program: &str| {
            std::env::split_paths(path)
                .any(|folder| folder.is_absolute() && folder.join(program).is_file())
        };
        let takes = self.abilities.clipboard;
        let way = clipboard::way(text.len(), takes, clipboard::helper(get, there));
        if let Some(answer) = clipboard::terminal(way, &text, out) {
            self.answer(Message::Copied(answer));
        } else if let Way::Program(helper) = way {
            let results = self.results.clone();
            tokio::spawn(async move {
                let answer = clipboard::hand(helper, text).await;
                let _ = results.send(Message::Copied(answer));
            });
        }
    }

    /// Writes a file; the answer comes as a message.
    pub(super) fn save(&self, name: String, text: String) {
        let places = Places {
            saved: self.options.saved.clone(),
            project: self.options.project.clone(),
            home: self.options.env.get("HOME").map(PathBuf::from),
        };
        let results = self.results.clone();
        tokio::task::spawn_blocking(move || {
            let _ = results.send(Message::Saved(save::save(&places, &name, &text)));
        });
    }

    /// Runs the command and posts to the address that the settings name.
    pub(super) fn call(&self, want: Want, text: &str) {
        let project = self.options.project.display().to_string();
        if let Some((program, args)) = self.options.command.split_first()
            && let Ok(permit) = Arc::clone(&self.calls).try_acquire_owned()
        {
            let mut command = Command::new(program);
            command
                .args(args)
                .env("LCC_EVENT", want.name())
                .env("LCC_TEXT", text)
                .env("LCC_PROJECT", &project)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true);
            // Not in the project: what lies there is Claude Code's to write.
            if let Some(home) = self.options.env.get("HOME") {
                command.current_dir(home);
            }
            let program = program.clone();
            tokio::spawn(async move {
                let why = match timeout(COMMAND_FOR, command.status()).await {
                    Ok(Ok(status)) if status.success() => None,
                    Ok(Ok(status)) => Some(status.to_string()),
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("it took too long and was ended".to_owned()),
                };
                drop(permit);
                if let Some(why) = why {
                    tracing::warn!("attention.command: {program}: {why}");
                }
            });
        }
        if let Some(url) = self.options.webhook.clone()
            && let Ok(permit) = Arc::clone(&self.calls).try_acquire_owned()
        {
            let body = serde_json::json!({
                "event": want.name(), "text": text, "project": project,
            });
            tokio::spawn(async move {
                let why = match timeout(WEBHOOK_FOR, post(&url, &body.to_string())).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("no answer".to_owned()),
                };
                drop(permit);
                if let Some(why) = why {
                    tracing::warn!("attention.webhook: {url}: {why}");
                }
            });
        }
    }

    fn answer(&self, message: Message) {
        // The loop that would take it may have ended.
        let _ = self.results.send(message);
    }
}

/// Posts to an address of this machine; what does not lead there is refused.
async fn post(url: &str, body: &str) -> std::io::Result<()> {
    let refused = |why: &str| std::io::Error::new(std::io::ErrorKind::InvalidInput, why.to_owned());
    let url = reqwest::Url::parse(url).map_err(|_| refused("not a URL"))?;
    if url.scheme() != "http" {
        return Err(refused("not http"));
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = None;
    for address in url.socket_addrs(|| Some(port))? {
        if address.ip().to_canonical().is_loopback() {
            stream = Some(TcpStream::connect(address).await);
            if matches!(stream, Some(Ok(_))) {
                break;
            }
        }
    }
    let mut stream = stream.ok_or_else(|| refused("not on this machine"))??;
    let host = url.host_str().unwrap_or("localhost");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        url.path(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await?;
    // Closing before the answer has begun could take the request away from a slow reader.
    let mut first = [0; 16];
    tokio::io::AsyncReadExt::read(&mut stream, &mut first).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;

    fn aside(options: AsideOptions) -> (Aside, mpsc::UnboundedReceiver<Message>) {
        Aside::new(options)
    }

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[tokio::test]
    async fn a_call_reaches_who_listens_on_this_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        let options = AsideOptions { webhook: Some(url), ..AsideOptions::default() };
        let (aside, _inbox) = aside(options);
        aside.call(Want::Waits, "demo: Claude Code waits for you");
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = String::new();
        let mut buffer = [0; 1024];
        while !seen.contains('}') {
            let n = stream.read(&mut buffer).await.unwrap();
            assert!(n > 0, "{seen}");
            seen.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
        }
        assert!(seen.starts_with("POST /told HTTP/1.1\r\n"), "{seen}");
        assert!(seen.contains(r#""event":"waits""#), "{seen}");
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }

    #[tokio::test]
    async fn an_address_elsewhere_is_refused() {
        for url in ["http://192.0.2.1:9/", "https://127.0.0.1:9/", "file:///etc/passwd"] {
            let error = post(url, "{}").await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{url}: {error}");
        }
    }

    #[tokio::test]
    async fn the_command_is_run_with_what_happened() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let script = format!(
            "printf '%s|%s' \"$LCC_EVENT\" \"$LCC_TEXT\" > {}.new; mv {0}.new {0}",
            told.display()
        );
        let options = AsideOptions {
            command: vec!["/bin/sh".to_owned(), "-c".to_owned(), script],
            ..AsideOptions::default()
        };
        let (aside, _inbox) = aside(options);
        aside.call(Want::TurnEnded(31), "demo; $(rm x)");
        // All calls have come to their end when every place is free.
        let _all = aside.calls.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        assert_eq!(std::fs::read_to_string(told).unwrap(), "turn-ended|demo; $(rm x)");
    }

    #[test]
    fn each_terminal_is_asked_in_its_own_form() {
        for (term, form) in [
            ("xterm-256color", "\x1b]9;hi\x07"),
            ("xterm-ghostty", "\x1b]777;notify;lcc;hi\x07"),
            ("xterm-kitty", "\x1b]99;i=lcc;hi\x1b\\"),
            ("linux", ""),
        ] {
            let options = AsideOptions { env: env(&[("TERM", term)]), ..AsideOptions::default() };
            let mut out = Vec::new();
            aside(options).0.notify("hi", &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), form, "{term}");
        }
    }

    #[test]
    fn progress_goes_to_who_shows_it_and_is_taken_back() {
        let mut out = Vec::new();
        let (mut mute, _inbox) =
            aside(AsideOptions { env: env(&[("TERM", "xterm")]), ..AsideOptions::default() });
        mute.progress(Progress::Percent(3), &mut out);
        assert!(out.is_empty());
        let env = env(&[("WT_SESSION", "x")]);
        let (mut aside, _inbox) = aside(AsideOptions { env, ..AsideOptions::default() });
        aside.progress(Progress::Off, &mut out);
        assert!(out.is_empty(), "nothing was shown");
        aside.progress(Progress::Percent(61), &mut out);
        aside.progress(Progress::Busy, &mut out);
        aside.leave(&mut out);
        aside.leave(&mut out);
        assert_eq!(out, b"\x1b]9;4;1;61\x07\x1b]9;4;3;0\x07\x1b]9;4;0;0\x07");
    }
}
