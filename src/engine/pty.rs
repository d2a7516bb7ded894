//! The pseudo-terminal Claude Code runs in.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use portable_pty::{MasterPty, PtySize, SlavePty, native_pty_system};

/// A pseudo-terminal; the master side is ours.
///
/// The slave side stays open here until a child has it: a master without any slave reads as ended.
/// Use one `Pty` per child.
pub struct Pty {
    master: Mutex<Box<dyn MasterPty + Send>>,
    slave: Mutex<Option<Box<dyn SlavePty + Send>>>,
    path: PathBuf,
}

impl fmt::Debug for Pty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pty").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Pty {
    /// Opens a pair of `cols` by `rows` cells.
    ///
    /// # Errors
    /// When the system has no pseudo-terminal left.
    pub fn open(cols: u16, rows: u16) -> io::Result<Self> {
        let pair = native_pty_system().openpty(size(cols, rows)).map_err(io::Error::other)?;
        let path = pair
            .master
            .tty_name()
            .ok_or_else(|| io::Error::other("the system does not name its pseudo-terminals"))?;
        Ok(Self { master: Mutex::new(pair.master), slave: Mutex::new(Some(pair.slave)), path })
    }

    /// A blocking reader of what the child writes; it ends when the last slave side is closed.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        self.master().try_clone_reader().map_err(io::Error::other)
    }

    /// A blocking writer of what the child reads; there is one.
    ///
    /// # Errors
    /// When it was taken before, or no descriptor is left.
    pub fn writer(&self) -> io::Result<Box<dyn Write + Send>> {
        self.master().take_writer().map_err(io::Error::other)
    }

    /// Tells the child a new size.
    ///
    /// # Errors
    /// What the system says.
    pub fn resize(&self, cols: u16, rows: u16) -> io::Result<()> {
        self.master().resize(size(cols, rows)).map_err(io::Error::other)
    }

    /// The file of the slave side.
    #[must_use]
    pub fn slave_path(&self) -> &Path {
        &self.path
    }

    /// Opens the slave side once more, without making it anyone's controlling terminal.
    ///
    /// # Errors
    /// When the slave side cannot be opened.
    pub fn open_slave(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY | libc::O_CLOEXEC)
            .open(&self.path)
    }

    /// Gives a command the slave side as its three streams.
    ///
    /// # Errors
    /// When the slave side cannot be opened.
    pub fn attach(&self, command: &mut Command) -> io::Result<()> {
        let slave = self.open_slave()?;
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
        Ok(())
    }

    /// Closes our own slave side, now that a child has one.
    pub fn release(&self) {
        self.slave.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn master(&self) -> MutexGuard<'_, Box<dyn MasterPty + Send>> {
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows: rows.max(1), cols: cols.max(1), pixel_width: 0, pixel_height: 0 }
}
