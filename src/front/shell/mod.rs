//! The one loop of the front: the outer terminal, its guard and its pacing.

mod answers;
mod aside;
mod ask;
#[cfg(test)]
mod border_tests;
mod clipboard;
mod files;
mod frame;
mod open;
mod outer;
mod pace;
mod save;
mod screen;
mod suspend;

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use thiserror::Error;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    time::sleep_until,
};

use crate::{
    domain::Moment,
    front::{
        app::{self, Effect, Message, Model},
        input::Keymap,
        theme::{Depth, Theme},
    },
    protocol::{Command, Notice, NoticeLevel, Update},
};

use answers::Answers;
use aside::Aside;
use files::Watch;
use outer::Outer;
use pace::{Due, Pace};
use screen::Screen;
use suspend::{Came, Stops};

pub use app::{Arrangement, AttentionSettings, Border, Notifies, Title};
pub use aside::AsideOptions;
pub use files::{Files, texts};

/// The time in the bottom line moves once a second.
const TICK: Duration = Duration::from_secs(1);
/// Messages nearer to each other than this share a tick.
const SAME_TIME: Duration = Duration::from_millis(20);
/// Updates taken in at once before keys are looked at again.
const BATCH: usize = 64;

/// What a front starts with.
#[derive(Debug, Clone)]
pub struct FrontOptions {
    /// The theme to begin with.
    pub theme: Theme,
    /// The themes that F4 goes through.
    pub themes: Vec<Theme>,
    /// What the outer terminal can show.
    pub depth: Depth,
    /// Which keys are lcc's.
    pub keymap: Keymap,
    /// What stands in the header.
    pub title: Title,
    /// Lines kept above Claude Code's pane.
    pub scrollback: usize,
    /// What Claude Code may reach beyond its pane.
    pub border: Border,
    /// What goes on beside the terminal: clipboard, saved files, calls.
    pub aside: AsideOptions,
    /// How the panes are arranged.
    pub panes: Arrangement,
    /// Whether the panes are shown at the start.
    pub column: bool,
    /// Whether a screen reader reads along.
    pub screen_reader: bool,
    /// What is wrong but no reason not to start, to be said at the start.
    pub remarks: Vec<String>,
    /// Where the front's files are.
    pub files: Files,
}

/// Why a front could not go on.
#[derive(Debug, Error)]
pub enum FrontError {
    /// No terminal to draw on.
    #[error("lcc needs a terminal on stdin and stdout; for scripts there is `lcc run \"PROMPT\"`")]
    NoTerminal,
    /// The outer terminal does not take what is written to it, or cannot be read.
    #[error("the terminal lcc runs in cannot be used: {0}")]
    Terminal(#[from] io::Error),
    /// The engine is gone without having said so.
    #[error("the engine ended without a word; its log says why")]
    EngineGone,
    /// Something panicked; the terminal was given back.
    #[error("lcc failed inside; the message above says where")]
    Panicked,
}

/// Runs the front until the session is over or the user leaves. The terminal is given back as
/// it was, whatever happens.
///
/// # Errors
/// When there is no terminal, when it fails, or when the engine is gone.
pub async fn run(
    options: FrontOptions,
    commands: mpsc::UnboundedSender<Command>,
    updates: mpsc::Receiver<Update>,
) -> Result<(), FrontError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(FrontError::NoTerminal);
    }
    let outer = Outer::enter()?;
    let size = crossterm::terminal::size()?;
    let result = Front::new(options, size, commands, updates)?.run(&outer).await;
    let given_back = outer.leave();
    result?;
    Ok(given_back?)
}

/// The loop's own things; what the user sees is all in the model.
struct Front {
    model: Model,
    screen: Screen,
    pace: Pace,
    start: Instant,
    commands: mpsc::UnboundedSender<Command>,
    updates: mpsc::Receiver<Update>,
    signals: [Signal; 3],
    stops: Stops,
    aside: Aside,
    results: mpsc::UnboundedReceiver<Message>,
    /// Whether lcc is to be stopped.
    suspend: bool,
    watch: Watch,
    /// Bytes for the outer terminal, written in one go.
    out: Vec<u8>,
    done: bool,
    /// Since the last frame nothing but Claude Code's screen has changed.
    pane_only: bool,
    /// The last frame showed the pane and nothing over it.
    was_bare: bool,
}

impl Front {
    fn new(
        options: FrontOptions,
        size: (u16, u16),
        commands: mpsc::UnboundedSender<Command>,
        updates: mpsc::Receiver<Update>,
    ) -> io::Result<Self> {
        let mut themes = options.themes;
        let theme = themes.iter().position(|known| *known == options.theme).unwrap_or_else(|| {
            themes.push(options.theme);
            themes.len() - 1
        });
        let attention = options.aside.attention.clone();
        let folder = options.aside.project.clone();
        let (aside, results) = Aside::new(options.aside);
        let mut model = Model::new(
            app::Options {
                title: options.title,
                keymap: options.keymap,
                themes,
                theme,
                scrollback: options.scrollback,
            },
            size,
        );
        model.border = options.border;
        model.attention = app::Attention::new(attention, aside.reports_focus());
        model.folder = Some(folder);
        model.arrange(options.panes, options.column);
        if options.screen_reader {
            model.speak();
        }
        for text in options.remarks {
            model.notices.push(Notice { level: NoticeLevel::Warning, text }, Moment::default());
        }
        Ok(Self {
            model,
            watch: Watch::new(options.files),
            screen: Screen::new(options.depth, outer::is_rich()),
            pace: Pace::default(),
            start: Instant::now(),
            commands,
            updates,
            signals: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
            ],
            stops: Stops::new()?,
            aside,
            results,
            suspend: false,
            out: Vec::with_capacity(64 * 1024),
            done: false,
            pane_only: false,
            was_bare: false,
        })
    }

    async fn run(mut self, outer: &Outer) -> Result<(), FrontError> {
        let size = self.model.pane_size();
        self.send(Command::Resize { cols: size.cols, rows: size.rows });
        outer::set_title(&format!("lcc · {}", self.model.title.project), &mut self.out);
        self.draw()?;
        // The first frame stands; now the terminal is asked what it is. It alone is read until it
        // has answered: crossterm takes an answer for keys.
        self.out.extend_from_slice(&answers::questions());
        self.flush()?;
        let mut asked = Some(ask::listen());
        let mut events = None;
        while !self.done {
            if outer.is_left() {
                return Err(FrontError::Panicked);
            }
            let wake = self.wake();
            let [terminate, hang_up, interrupt] = &mut self.signals;
            // Signals and keys go first: a flood of output must not keep them waiting. The timer
            // comes before the output, so that a flood is drawn, too.
            tokio::select! {
                biased;
                _ = terminate.recv() => self.hang_up(),
                _ = hang_up.recv() => self.hang_up(),
                _ = interrupt.recv() => self.hang_up(),
                came = self.stops.next() => self.stopped(came, outer)?,
                event = next(&mut events), if events.is_some() => match event {
                    Some(event) => self.event(event?),
                    None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                },
                answers = heard(&mut asked), if asked.is_some() => {
                    asked = None;
                    // Whoever asks for the size before listening for its changes may miss one.
                    events = Some(EventStream::new());
                    let (cols, rows) = crossterm::terminal::size()?;
                    if self.model.size != (cols, rows) {
                        self.event(Event::Resize(cols, rows));
                    }
                    self.told(answers);
                },
                () = sleep_until(wake.into()) => self.tick(),
                Some(result) = self.results.recv() => self.take(result),
                update = self.updates.recv() => match update {
                    Some(update) => self.news(update),
                    None => return Err(FrontError::EngineGone),
                },
            }
            if std::mem::take(&mut self.suspend) {
                self.stopped(Came::Stop, outer)?;
            }
            if !self.done && self.pace.due(self.now(), self.updates.is_empty()) == Due::Now {
                self.draw()?;
            }
            self.flush()?;
        }
        self.aside.leave(&mut self.out);
        self.flush()?;
        Ok(())
    }

    /// Stops lcc or finds it woken; then everything is drawn anew, at the size of now.
    fn stopped(&mut self, came: Came, outer: &Outer) -> io::Result<()> {
        self.flush()?;
        let anew = match came {
            Came::Stop => self.stops.stop(outer)?,
            Came::Wake => self.stops.woken(outer)?,
        };
        if anew {
            self.screen.forget();
            self.pace.changed();
            let (cols, rows) = crossterm::terminal::size()?;
            self.take(Message::Resize { cols, rows });
        } else if came == Came::Stop {
            self.take(Message::CannotStop);
        }
        Ok(())
    }

    fn now(&self) -> Moment {
        Moment::from_duration(self.start.elapsed())
    }

    /// When the loop has something to do although nothing happens.
    fn wake(&mut self) -> Instant {
        let now = self.now();
        let mut wake = self.model.now + TICK;
        if let Some(frame) = self.model.wake() {
            wake = wake.min(frame);
        }
        if let Due::At(draw) = self.pace.due(now, self.updates.is_empty()) {
            wake = wake.min(draw);
        }
        self.start + Duration::from_micros(wake.0)
    }

    /// Takes in what the outer terminal said of itself, and the keys pressed meanwhile.
    fn told(&mut self, answers: Answers) {
        if let Some(name) = &answers.name {
            self.aside.named(name);
        }
        if let Some(palette) = answers.palette() {
            self.take(Message::Palette(Box::new(palette)));
        }
        for key in answers.keys {
            self.take(Message::Key(key));
        }
    }

    fn event(&mut self, event: Event) {
        let message = match event {
            Event::Key(key) => Message::Key(key),
            Event::Mouse(mouse) => Message::Mouse(mouse),
            Event::Paste(text) => Message::Paste(text),
            Event::Resize(cols, rows) => {
                self.screen.forget();
                self.pane_only = false;
                self.pace.changed();
                Message::Resize { cols, rows }
            }
            Event::FocusGained => Message::Focus(true),
            Event::FocusLost => Message::Focus(false),
        };
        self.take(message);
    }

    /// Takes an update in, and what else has come with it.
    fn news(&mut self, first: Update) {
        let mut next = Some(first);
        for _ in 0..BATCH {
            let Some(update) = next else { break };
            if let Update::Output(bytes) = &update {
                self.pace.fed(bytes.len());
            }
            self.take(Message::Update(update));
            next = if self.done { None } else { self.updates.try_recv().ok() };
        }
        if let Some(update) = next {
            self.take(Message::Update(update));
        }
    }

    fn take(&mut self, message: Message) {
        let now = self.now();
        if now.since(self.model.now) >= SAME_TIME {
            self.tick();
        }
        let output = matches!(&message, Message::Update(Update::Output(_)));
        let effects = app::update(&mut self.model, message);
        // One wish to draw is the pane's; a second one, or anybody else's, is for more.
        let wishes = effects.iter().filter(|effect| **effect == Effect::Redraw).count();
        self.pane_only &= if output { wishes <= 1 } else { wishes == 0 };
        self.carry_out(effects);
    }

    fn tick(&mut self) {
        let now = self.now();
        let effects = app::update(&mut self.model, Message::Tick(now));
        self.pane_only &= !effects.contains(&Effect::Redraw);
        self.carry_out(effects);
        if let Some((themes, wrong)) = self.watch.themes(now) {
            let effects = app::update(&mut self.model, Message::Themes { themes, wrong });
            self.carry_out(effects);
        }
    }

    fn hang_up(&mut self) {
        let effects = app::hang_up(&mut self.model);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => self.send(command),
                Effect::SetTitle(title) => outer::set_title(&title, &mut self.out),
                Effect::Bell => self.out.push(b'\x07'),
                Effect::Clipboard(text) => outer::set_clipboard(&text, &mut self.out),
                Effect::Open(what) => {
                    if let Err(text) = open::open(&what) {
                        let notice = Notice { level: NoticeLevel::Warning, text };
                        let more =
                            app::update(&mut self.model, Message::Update(Update::Notice(notice)));
                        self.carry_out(more);
                    }
                }
                Effect::Notify(text) => self.aside.notify(&text, &mut self.out),
                Effect::Call { want, text } => self.aside.call(want, &text),
                Effect::Progress(progress) => self.aside.progress(progress, &mut self.out),
                Effect::Copy(text) => self.aside.copy(text, &mut self.out),
                Effect::Save { name, text } => self.aside.save(name, text),
                Effect::Suspend => self.suspend = true,
                Effect::Keep(text) => self.watch.keep(&text),
                Effect::Redraw => self.pace.changed(),
                Effect::Quit => self.done = true,
            }
        }
    }

    /// Tells the engine. When it is gone, the closed channel of updates says so.
    fn send(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::debug!("a command found no engine");
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let damage = self.model.terminal.take_damage();
        let bare = app::pane_is_bare(&self.model);
        let pane_only = self.pane_only && self.was_bare && bare;
        self.screen.draw(&self.model, &damage, pane_only, &mut self.out)?;
        self.pane_only = true;
        self.was_bare = bare;
        let now = self.now();
        self.pace.drawn(now);
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&self.out).and_then(|()| stdout.flush());
        self.out.clear();
        written
    }
}

/// The next event, once somebody listens.
async fn next(events: &mut Option<EventStream>) -> Option<io::Result<Event>> {
    match events {
        Some(events) => events.next().await,
        None => None,
    }
}

/// What the terminal said, once it is asked; nothing when nobody could listen.
async fn heard(asked: &mut Option<oneshot::Receiver<Answers>>) -> Answers {
    match asked {
        Some(asked) => asked.await.unwrap_or_default(),
        None => Answers::default(),
    }
}
