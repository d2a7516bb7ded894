//! Pure measuring: observations in, a snapshot out.
