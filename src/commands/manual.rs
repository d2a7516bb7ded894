//! `lcc man` and `lcc completions`: what packages install, on stdout.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

/// Writes the manual page in roff.
///
/// # Errors
/// What the output stream said.
pub fn man(out: &mut impl Write) -> io::Result<()> {
    clap_mangen::Man::new(Cli::command()).render(out)
}

/// Writes the completions for `shell`.
pub fn completions(shell: Shell, out: &mut impl Write) {
    clap_complete::generate(shell, &mut Cli::command(), "lcc", out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_every_shell_name_the_commands() {
        let mut page = Vec::new();
        man(&mut page).unwrap();
        assert!(String::from_utf8(page).unwrap().contains("practice"));
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut text = Vec::new();
            completions(shell, &mut text);
            assert!(String::from_utf8(text).unwrap().contains("doctor"), "{shell}");
        }
    }
}
