//! Why a machine cannot give the strict tier, and what to do about it.

use std::path::PathBuf;

use thiserror::Error;

use super::reduced::HINT;

/// Where the distribution is unknown: words for a person, no command.
const UNKNOWN: &str = "the package bubblewrap of your distribution";

/// What is missing. The message ends with the fix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// There is no bubblewrap.
    #[error("bubblewrap (bwrap) is not installed; install it: {install}")]
    Missing {
        /// The command that installs it here.
        install: String,
    },
    /// bubblewrap is installed setuid root, a mode with known holes.
    #[error(
        "{} is setuid root, which lcc does not use; remove the bit: sudo chmod u-s {}",
        path.display(), path.display()
    )]
    Setuid {
        /// The program.
        path: PathBuf,
    },
    /// This bubblewrap lacks options that the sandbox is made of.
    #[error("bubblewrap {version} lacks {}; install 0.8.0 or newer: {install}", missing.join(", "))]
    TooOld {
        /// Its version.
        version: String,
        /// The options it lacks.
        missing: Vec<String>,
        /// The command that installs it here.
        install: String,
    },
    /// The kernel or its policy refuses user namespaces.
    #[error("bubblewrap cannot make a sandbox here ({said}): {cause}; {fix}. Or, {HINT}")]
    Namespaces {
        /// bubblewrap's own words.
        said: String,
        /// What stands in the way.
        cause: &'static str,
        /// The way out.
        fix: &'static str,
    },
    /// The system is neither Linux nor macOS, or its sandbox tool is gone.
    #[error("no sandbox for this system: {reason}")]
    System {
        /// What is missing.
        reason: String,
    },
}

impl Unavailable {
    /// The command that would fix it, where one command does.
    #[must_use]
    pub fn install_command(&self) -> Option<&str> {
        match self {
            Self::Missing { install } | Self::TooOld { install, .. } => {
                (install != UNKNOWN).then_some(install)
            }
            Self::Setuid { .. } | Self::Namespaces { .. } | Self::System { .. } => None,
        }
    }
}

/// What of the machine's settings decides about user namespaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 24.04 and later).
    pub apparmor: bool,
    /// `kernel.unprivileged_userns_clone` is 0 (some Debian and hardened kernels).
    pub clone_off: bool,
    /// `user.max_user_namespaces` is 0, or this process is inside a sandbox that forbids more.
    pub none_left: bool,
    /// This process runs in a container.
    pub container: bool,
}

/// Reads a failed try: bubblewrap's words and the machine's settings give cause and fix.
#[must_use]
pub fn diagnose(said: &str, settings: Settings) -> Unavailable {
    let said = said.trim().trim_start_matches("bwrap: ").to_owned();
    let exhausted = said.contains("ENOSPC") || said.contains("No space left");
    let (cause, fix) = if settings.none_left || exhausted {
        (
            "no further user namespaces are allowed (user.max_user_namespaces, or an outer sandbox)",
            "start lcc outside other sandboxes, or: sudo sysctl -w user.max_user_namespaces=15000",
        )
    } else if settings.apparmor {
        (
            "AppArmor restricts user namespaces (the default of Ubuntu 24.04)",
            "allow the system's bubblewrap: sudo apt install apparmor-profiles apparmor-utils && \
             sudo install -m0644 /usr/share/apparmor/extra-profiles/bwrap-userns-restrict \
             /etc/apparmor.d/ && sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict",
        )
    } else if settings.clone_off {
        (
            "kernel.unprivileged_userns_clone is 0",
            "turn it on: sudo sysctl -w kernel.unprivileged_userns_clone=1",
        )
    } else if settings.container {
        (
            "this container may not make user namespaces",
            "run it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
             --security-opt systempaths=unconfined, or start lcc outside the container",
        )
    } else {
        (
            "the kernel refused a step",
            "try `bwrap --unshare-all --ro-bind / / true` and see bubblewrap's documentation",
        )
    };
    Unavailable::Namespaces { said, cause, fix }
}

/// The command that installs bubblewrap, by the text of os-release.
#[must_use]
pub fn install_command(os_release: &str) -> &'static str {
    let field = |name: &str| {
        os_release
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches(['"', '\'']).to_ascii_lowercase())
            .unwrap_or_default()
    };
    let names = format!("{} {}", field("ID"), field("ID_LIKE"));
    let commands = [
        (&["debian", "ubuntu"][..], "sudo apt-get install -y bubblewrap"),
        (&["fedora", "rhel", "centos"][..], "sudo dnf install -y bubblewrap"),
        (&["arch"][..], "sudo pacman -S --noconfirm bubblewrap"),
        (&["suse", "opensuse"][..], "sudo zypper --non-interactive install bubblewrap"),
        (&["alpine"][..], "sudo apk add bubblewrap"),
        (&["void"][..], "sudo xbps-install -y bubblewrap"),
        (&["nixos"][..], "nix profile install nixpkgs#bubblewrap"),
    ];
    commands
        .iter()
        .find(|(ids, _)| names.split_whitespace().any(|name| ids.contains(&name)))
        .map_or(UNKNOWN, |(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_install_command_fits_the_distribution() {
        let table = [
            ("ID=debian\n", "apt"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt"),
            ("ID=fedora\n", "dnf"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf"),
            ("ID=manjaro\nID_LIKE=arch\n", "pacman"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "zypper"),
            ("ID=alpine\n", "apk"),
            ("", "your distribution"),
        ];
        for (text, wanted) in table {
            assert!(install_command(text).contains(wanted), "{text:?} gave no {wanted}");
        }
    }

    #[test]
    fn each_cause_has_its_own_fix() {
        let plain = Settings::default();
        let table = [
            (Settings { apparmor: true, ..plain }, "apparmor_parser"),
            (Settings { clone_off: true, ..plain }, "unprivileged_userns_clone=1"),
            (Settings { container: true, ..plain }, "--security-opt"),
            (Settings { none_left: true, ..plain }, "max_user_namespaces"),
            (plain, "--unshare-all"),
        ];
        for (settings, wanted) in table {
            let text =
                diagnose("bwrap: setting up uid map: Permission denied", settings).to_string();
            assert!(text.contains(wanted), "{text}");
            assert!(text.contains("(setting up uid map: Permission denied)"), "{text}");
        }
    }
}
