//! The one line of mlx_lm's server that counts: `Prompt processing progress: 2048/14275`.

use super::{
    Said,
    words::{after, number},
};

/// What a line of mlx_lm's server says.
pub(super) fn read(line: &str) -> Option<Said> {
    let (read, total) = after(line, "Prompt processing progress:")?.split_once('/')?;
    Some(Said::OfRest { read: number(read)?, rest: number(total)? })
}
