//! Claude Code itself: where it is, how it is started, what it must believe.
