//! The pseudo-terminal Claude Code runs in.
