//! Small private files: mode 0600 in folders of mode 0700, written beside and renamed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Makes a folder that only this user can enter.
///
/// # Errors
/// What the system said.
pub fn private_dir(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// Writes a file that only this user can read; it is whole or the old one.
///
/// # Errors
/// What the system said; nothing half-written is left.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    // A link somebody put there is not followed.
    let _ = fs::remove_file(&beside);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let written = made.and_then(|mut file| file.write_all(bytes));
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// Reads a plain file of at most `largest` bytes; `None` when it is anything else.
pub fn read_plain(path: &Path, largest: u64) -> Option<Vec<u8>> {
    let meta = fs::symlink_metadata(path).ok()?;
    if !meta.is_file() || meta.len() > largest {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(largest).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
