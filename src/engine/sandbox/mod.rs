//! The sandbox around Claude Code: a pure policy and the systems that enforce it.
