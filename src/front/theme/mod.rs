//! Colours by role, read from themes/*.toml, and their downgrade to what the terminal can show.
