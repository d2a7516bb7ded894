//! Running the command that prints a credential: without a shell, without a terminal, in bounded
//! time, and with nothing of what it prints in any message.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use super::{
    error::CredentialError,
    secret::{LONGEST, Secret},
};

/// Runs `words` and takes the one line it prints.
pub(super) async fn run(words: &[String], patience: Duration) -> Result<Secret, CredentialError> {
    let program = words.first().cloned().unwrap_or_default();
    let fail = |reason: String| CredentialError::Command { program: program.clone(), reason };
    let mut child = Command::new(&program)
        .args(words.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it complains about may hold the secret, and the screen is the cockpit's.
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            fail(format!("cannot be started: {e}; it is run without a shell, name a program"))
        })?;
    let output = child.stdout.take();
    let group = child.id();
    let finished = tokio::time::timeout(patience, finish(&mut child, output)).await;
    let (status, printed) = match finished {
        Ok(finished) => finished.map_err(|e| fail(format!("cannot be read: {e}")))?,
        Err(_elapsed) => {
            end(group);
            let seconds = patience.as_secs_f64();
            return Err(fail(format!(
                "did not end within {seconds} s and was stopped; it has no terminal to ask on. \
                 Run it by hand to see what it waits for"
            )));
        }
    };
    if !status.success() {
        return Err(fail(format!(
            "ended with {status}; run it by hand to see why (lcc shows nothing of what it prints)"
        )));
    }
    Secret::from_line(&printed).map_err(|what| fail(format!("printed {what}")))
}

async fn finish(
    child: &mut Child,
    output: Option<impl AsyncRead + Unpin>,
) -> std::io::Result<(std::process::ExitStatus, Vec<u8>)> {
    let mut printed = Vec::new();
    if let Some(output) = output {
        output.take(LONGEST as u64 + 1).read_to_end(&mut printed).await?;
    }
    // Its end of the pipe is closed: one that prints without end dies of it.
    Ok((child.wait().await?, printed))
}

/// Ends the command with all it has started; it has a process group of its own.
fn end(group: Option<u32>) {
    if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
        let group = nix::unistd::Pid::from_raw(group);
        // It may have ended by now.
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        match run(&words, Duration::from_secs(30)).await {
            Ok(secret) => {
                secret.header(super::super::Scheme::Key).unwrap().to_str().unwrap().to_owned()
            }
            Err(e) => e.to_string(),
        }
    }

    #[tokio::test]
    async fn one_line_is_taken_and_everything_else_is_told_without_it() {
        assert_eq!(said(&["printf", "  sk-1\\n\\n"]).await, "sk-1");
        // No shell: what would be one stays text.
        assert_eq!(said(&["printf", "%s", "$HOME;id"]).await, "$HOME;id");
        for (words, part) in [
            (&["/nonexistent/x"][..], "cannot be started"),
            (&["false"], "ended with exit status: 1"),
            (&["printf", "sk-1\\nsk-2"], "printed 2 lines"),
            (&["true"], "printed nothing"),
            (&["yes", "sk-1"], "ended with signal"),
            (&["sh", "-c", "echo sk-1 >&2; exit 3"], "exit status: 3"),
        ] {
            let message = said(words).await;
            assert!(message.contains(part) && !message.contains("sk-"), "{message}");
        }
    }

    #[tokio::test]
    async fn one_that_hangs_is_stopped_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", note.display());
        let words = ["sh".to_owned(), "-c".to_owned(), script];
        let e = run(&words, Duration::from_millis(500)).await.unwrap_err();
        assert!(e.to_string().contains("did not end within 0.5 s"), "{e}");
        let pid: i32 = std::fs::read_to_string(note).unwrap().trim().parse().unwrap();
        let stat = format!("/proc/{pid}/stat");
        while std::fs::read_to_string(&stat).is_ok_and(|s| !s.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }
}
