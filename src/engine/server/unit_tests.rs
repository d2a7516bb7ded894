//! The service files word for word, and odd paths through them and back.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::{domain::ServeKind, engine::server::Probe};

fn a_plan(program: &str, args: &[&str], env: Vec<(&'static str, String)>) -> Plan {
    Plan {
        kind: ServeKind::LlamaServer,
        program: PathBuf::from(program),
        args: args.iter().map(|&a| a.to_owned()).collect(),
        env,
        port: 8080,
        probe: Probe::Health,
        notes: Vec::new(),
    }
}

#[test]
fn the_systemd_unit() {
    let env = vec![("OLLAMA_HOST", "127.0.0.1:1".to_owned())];
    let plan = a_plan("/opt/my server", &["-m", "/m/100% \"big\" $x.gguf", "-c", "32768"], env);
    assert_eq!(
        text(&plan, Manager::Systemd, "/log").unwrap(),
        r#"# Written by lcc service; lcc service uninstall removes it
[Unit]
Description=Model server for Claude Code (llama-server)
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
ExecStart=":/opt/my server" "-m" "/m/100%% \"big\" $x.gguf" "-c" "32768"
Environment="OLLAMA_HOST=127.0.0.1:1"
Restart=on-failure
RestartSec=2
KillMode=control-group
TimeoutStopSec=10

[Install]
WantedBy=default.target
"#
    );
}

#[test]
fn the_launchd_agent() {
    let env = vec![("OLLAMA_HOST", "127.0.0.1:1".to_owned())];
    let plan = a_plan("/opt/my server", &["-m", "/m/<a> & b.gguf"], env);
    assert_eq!(
        text(&plan, Manager::Launchd, "/state/server.log").unwrap(),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by lcc service; lcc service uninstall removes it -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>local.lcc.server</string>
  <key>ProgramArguments</key>
  <array>
    <string>/opt/my server</string>
    <string>-m</string>
    <string>/m/&lt;a&gt; &amp; b.gguf</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>OLLAMA_HOST</key>
    <string>127.0.0.1:1</string>
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>StandardOutPath</key>
  <string>/state/server.log</string>
  <key>StandardErrorPath</key>
  <string>/state/server.log</string>
</dict>
</plist>
"#
    );
}

/// Reads an `ExecStart` line as systemd does: double quotes, backslash escapes, then `%%`.
fn read_back(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        assert!(c == '"' || c == ' ', "{line}");
        if c == ' ' {
            continue;
        }
        let mut word = String::new();
        loop {
            match chars.next().unwrap() {
                '"' => break,
                '\\' => word.push(chars.next().unwrap()),
                '%' => {
                    assert_eq!(chars.next(), Some('%'), "a specifier in {line}");
                    word.push('%');
                }
                c => word.push(c),
            }
        }
        words.push(word);
    }
    words
}

proptest! {
    #[test]
    fn odd_words_come_back_from_a_unit(
        program in "/[^\\p{C}]{1,20}",
        args in prop::collection::vec("[^\\p{C}]{0,20}|[\"'\\\\%$;# ]{1,6}", 0..5),
    ) {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let plan = a_plan(&program, &words, Vec::new());
        let text = text(&plan, Manager::Systemd, "/log").unwrap();
        let line = text.lines().find_map(|l| l.strip_prefix("ExecStart=")).unwrap();
        let mut expected = vec![format!(":{program}")];
        if program.contains(['"', '\'', '\\']) {
            expected = vec![":/bin/sh".into(), "-c".into(), "exec \"$@\"".into(), "sh".into()];
            expected.push(program);
        }
        expected.extend(args.clone());
        prop_assert_eq!(read_back(line), expected);
    }

    #[test]
    fn odd_words_come_back_from_an_agent(word in "[^\\p{C}]{0,20}|[&<>;\"' ]{1,8}|(&amp;|]]>){1,3}") {
        let plan = a_plan("/p", &[&word], Vec::new());
        let text = text(&plan, Manager::Launchd, "/log").unwrap();
        let line = text.lines().nth(10).unwrap().trim();
        let inner = line.strip_prefix("<string>").unwrap().strip_suffix("</string>").unwrap();
        prop_assert!(!inner.contains(['<', '>']));
        let back = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        prop_assert_eq!(back, word);
    }

    /// A line break could smuggle in a second directive.
    #[test]
    fn control_characters_are_refused(
        before in "[a-z]{0,5}", control in "[\\x00-\\x1f\\x7f]", after in "[a-z]{0,5}",
    ) {
        let word = format!("{before}{control}{after}");
        for manager in [Manager::Systemd, Manager::Launchd] {
            prop_assert!(text(&a_plan("/p", &[&word], Vec::new()), manager, "/log").is_err());
            prop_assert!(text(&a_plan("/p", &[], Vec::new()), manager, &word).is_err());
        }
    }
}
