//! draw(&Model, &Theme, &mut Buffer): one widget a file, pure.
