//! Keys, mouse and pastes: which are lcc's, and how the rest is encoded for Claude Code.
