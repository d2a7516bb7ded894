//! Claude Code's terminal: the only room that knows the emulator crate.
