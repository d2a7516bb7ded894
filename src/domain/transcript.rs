//! What was said and done in one session of Claude Code, as its own transcript tells it.

/// One session, oldest entry first. Only what lies on the branch the session ended on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcript {
    /// Claude Code's id of the session.
    pub session: String,
    /// What happened. Long texts are shortened in their middle.
    pub entries: Vec<Entry>,
    /// Lines that could not be read, and so are missing here.
    pub broken: u64,
    /// Whether part of a very long transcript was left out.
    pub cut: bool,
}

/// One thing that was said or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The user's own words.
    Prompt(String),
    /// The user stopped a turn.
    Interrupted,
    /// Text of an answer.
    Answer(String),
    /// A tool was called.
    Call {
        /// The call's id, which its result names.
        id: String,
        /// What it was to do.
        act: Act,
    },
    /// A tool gave its result.
    Result {
        /// The call's id.
        id: String,
        /// Whether the tool failed.
        failed: bool,
        /// What it printed, shortened.
        text: String,
    },
    /// The conversation was compacted; what it was replaced by.
    Summary(String),
}

/// What a tool call was to do, as far as it matters to somebody who takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Run a command.
    Run(String),
    /// Write or change the file at this path.
    Change(String),
    /// Set the whole list of to-dos.
    Todos(Vec<Todo>),
    /// Add a to-do; its number stands in the result.
    TodoAdd(String),
    /// Change a to-do by its number.
    TodoSet {
        /// Its number, as Claude Code writes it.
        number: String,
        /// Its new state; `None`: as it was.
        state: Option<TodoState>,
        /// Its new text; `None`: as it was.
        text: Option<String>,
    },
    /// Lay a plan before the user.
    Plan(String),
    /// Anything else, by the tool's name.
    Other(String),
}

/// One to-do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// What is to be done.
    pub text: String,
    /// How far it is.
    pub state: TodoState,
}

/// How far a to-do is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TodoState {
    /// Not begun.
    Open,
    /// Under way.
    Doing,
    /// Done.
    Done,
    /// Dropped.
    Dropped,
}

/// One file that differs from the last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path from the top of the repository.
    pub path: String,
    /// The two letters of `git status`, e.g. ` M` or `??`.
    pub status: String,
    /// Lines added and removed, where git counts them.
    pub lines: Option<(u64, u64)>,
}
