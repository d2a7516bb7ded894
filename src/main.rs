//! The `lcc` program: reads the command line and hands over to a command.

fn main() {}
