//! The layers and every message, as tables.

use proptest::prelude::*;

use super::*;
use crate::domain::Tier;

fn layers(file: &str) -> Layers {
    Layers { file: Some(("config.toml".into(), file.to_owned())), ..Layers::default() }
}

fn messages(layers: &Layers) -> Vec<String> {
    match resolve(layers) {
        Ok(resolved) => panic!("no problem found: {resolved:?}"),
        Err(error) => error.problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let mut layers = layers("window = 16384\nmodel = \"file\"\ntheme = \"light\"\n");
    layers.env.insert("LCC_WINDOW".into(), "32768".into());
    layers.env.insert("LCC_MODEL".into(), "env".into());
    layers.env.insert("LCC_THEME".into(), String::new());
    layers.flags.window = Some("65536".into());
    let resolved = resolve(&layers).unwrap();

    assert_eq!(resolved.settings.window, Some(65_536));
    assert_eq!(resolved.origin(Key::Window), Origin::Flag("--window"));
    assert_eq!(resolved.settings.model.as_deref(), Some("env"));
    assert_eq!(resolved.origin(Key::Model), Origin::Env("LCC_MODEL"));
    assert_eq!(resolved.settings.theme, "light");
    assert_eq!(resolved.origin(Key::Theme).to_string(), "config.toml:3");
    assert_eq!(resolved.settings.profile, "lean");
    assert_eq!(resolved.origin(Key::Profile), Origin::Default);
}

#[test]
fn the_examples_of_the_schema_are_valid_together() {
    // A server takes one credential, and certificates are for https.
    const EXCLUDED: [Key; 2] = [Key::AuthKeyFile, Key::AuthCommand];
    let mut file = String::new();
    for table in std::iter::once(None).chain(Key::TABLES.map(Some)) {
        if let Some(table) = table {
            file.push_str(&format!("[{table}]\n"));
        }
        if table == Some("sandbox") {
            // The word at the top and the table exclude each other.
            file.push_str("tier = \"strict\"\n");
        }
        for key in Key::ALL.iter().filter(|key| key.entry().table == table) {
            if EXCLUDED.contains(key) || *key == Key::Sandbox {
                continue;
            }
            file.push_str(key.entry().example);
            file.push('\n');
        }
    }
    let file = file.replace("server = \"http://", "server = \"https://");
    let resolved = resolve(&layers(&file)).unwrap();
    for key in Key::ALL.into_iter().filter(|key| !EXCLUDED.contains(key)) {
        assert_ne!(resolved.origin(key), Origin::Default, "{key:?}");
    }
    assert_eq!(resolved.settings.sandbox, Tier::Strict);
}

#[test]
fn the_sandbox_is_a_word_or_a_table() {
    let of = |file: &str| resolve(&layers(file)).map(|resolved| resolved.settings);
    assert_eq!(of("sandbox = \"off\"").unwrap().sandbox, Tier::Off);
    let table = of("[sandbox]\ntier = \"off\"\nadd_dirs = [\"/d:rw\"]\nenv = [\"A_*\"]").unwrap();
    assert_eq!(table.sandbox, Tier::Off);
    assert_eq!((table.add_dirs, table.pass_env), (vec!["/d:rw".into()], vec!["A_*".into()]));
    for wrong in ["add_dirs = [\"d\"]", "add_dirs = \"/d\"", "env = [\"*\"]", "env = [\"A=b\"]"] {
        assert!(of(&format!("[sandbox]\n{wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn each_mistake_in_a_file_has_its_line_and_its_way_out() {
    for (file, expected) in [
        (
            "\n\nwindow = \"32k\"",
            "config.toml:3: window = \"32k\": expected a whole number of tokens, e.g. 32768",
        ),
        ("windw = 1", "config.toml:1: windw: unknown key (did you mean window?)"),
        ("colour = 1", "config.toml:1: colour: unknown key (lcc config show lists them all)"),
        (
            "read_rate = 9",
            "config.toml:1: read_rate: unknown key here (it belongs under [practice])",
        ),
        (
            "[practice]\nwindow = 9999",
            "config.toml:2: practice.window: unknown key here (it belongs at the top of the file, \
             before any table)",
        ),
        ("practice = 3", "config.toml:1: practice = 3: expected a table, written [practice]"),
        (
            "[practise]\nread_rate = 3",
            "config.toml:1: practise: unknown key (did you mean practice?)",
        ),
        (
            "window = 0",
            "config.toml:1: window = 0: a window of 0 tokens holds nothing; leave it out to use \
             the server's own",
        ),
        (
            "window = 100",
            "config.toml:1: window = 100: too small for a conversation; expected at least 2048 \
             tokens",
        ),
        (
            "window = 99_000_000",
            "config.toml:1: window = 99_000_000: no model has that; expected at most 10000000 \
             tokens",
        ),
        (
            "window = -5",
            "config.toml:1: window = -5: expected a whole number of tokens, e.g. 32768",
        ),
        (
            "profile = \"fat\"",
            "config.toml:1: profile = \"fat\": expected lean, standard or full, or one of your own, written as a table [profiles.NAME]",
        ),
        ("sandbox = true", "config.toml:1: sandbox = true: expected strict, reduced or off"),
        ("panes = \"yes\"", "config.toml:1: panes = \"yes\": expected true or false"),
        ("model = \"\"", "config.toml:1: model = \"\": empty; expected the name of a model"),
        (
            "claude = \"bin/claude\"",
            "config.toml:1: claude = \"bin/claude\": expected an absolute path",
        ),
        (
            "leader = \"ctrl-c\"",
            "config.toml:1: leader = \"ctrl-c\": ctrl-c interrupts Claude Code; take another key, \
             e.g. ctrl-]",
        ),
        (
            "[practice]\nread_rate = 0",
            "config.toml:2: read_rate = 0: expected tokens per second above 0, e.g. 400",
        ),
        (
            "server = \"http://192.168.1.2:8080\"",
            "config.toml:1: server = \"http://192.168.1.2:8080\": is not on this machine: what \
             Claude Code reads would leave it. If you mean that, give --allow-remote (or \
             allow_remote = true in the file)",
        ),
        (
            "window = 4096",
            "config.toml:1: window = 4096: output_reserve (4096) must be less than window (4096)",
        ),
        (
            "window = 8192\noutput_reserve = 9000",
            "config.toml:2: output_reserve = 9000: output_reserve (9000) must be less than window \
             (8192)",
        ),
    ] {
        assert_eq!(messages(&layers(file)), [expected]);
    }
}

#[test]
fn all_mistakes_are_told_at_once_from_top_to_bottom() {
    let mut layers = layers("windw = 1\npanes = 3\n[practice]\nwrite_rate = \"x\"\nspeed = 1\n");
    layers.env.insert("LCC_SANDBOX".into(), "none".into());
    layers.flags.window = Some("32k".into());
    let lines = messages(&layers);
    let starts = [
        "config.toml:1: windw",
        "config.toml:2: panes = 3",
        "config.toml:4: write_rate = \"x\"",
        "config.toml:5: practice.speed",
        "LCC_SANDBOX=none: expected strict",
        "--window 32k: expected a whole",
    ];
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn broken_toml_says_its_line_and_nothing_else() {
    for (file, line) in [
        ("window = 1\nmodel = \"open\nwindw = 1", 2),
        ("window = 4000\nwindow = 5000", 2),
        ("a b", 1),
    ] {
        let lines = messages(&layers(file));
        assert!(lines[0].starts_with(&format!("config.toml:{line}: ")), "{lines:?}");
        assert!(!lines.iter().any(|l| l.contains("unknown key")), "{lines:?}");
    }
}

#[test]
fn a_theme_that_does_not_exist_is_told_where_it_was_asked_for() {
    let mut layers = layers("");
    layers.themes = ["dark", "light"].map(str::to_owned).to_vec();
    layers.flags.theme = Some("drak".into());
    assert_eq!(messages(&layers), ["--theme drak: no such theme (did you mean dark?)"]);
    layers.flags.theme = Some("solarized".into());
    assert_eq!(messages(&layers), ["--theme solarized: no such theme (dark, light)"]);
    layers.flags.theme = Some("light".into());
    assert_eq!(resolve(&layers).unwrap().settings.theme, "light");
}

#[test]
fn leaders_are_control_chords_that_nothing_else_needs() {
    for (given, expected) in [
        ("ctrl-]", Ok("ctrl-]")),
        ("Ctrl+A", Ok("ctrl-a")),
        ("ctrl-space", Ok("ctrl-space")),
        ("CTRL-\\", Ok("ctrl-\\")),
        ("alt-x", Err("expected ctrl- and a letter")),
        ("ctrl-", Err("expected ctrl- and a letter")),
        ("ctrl-f1", Err("expected ctrl- and a letter")),
        ("ctrl-1", Err("expected ctrl- and a letter")),
        ("ctrl-m", Err("the same as Enter")),
        ("ctrl-[", Err("the same as Escape")),
        ("ctrl-z", Err("suspends")),
    ] {
        let mut layers = Layers::default();
        layers.env.insert("LCC_LEADER".into(), given.into());
        match (resolve(&layers), expected) {
            (Ok(resolved), Ok(leader)) => assert_eq!(resolved.settings.leader, leader),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, _) => panic!("{given}: {got:?}"),
        }
    }
}

#[test]
fn a_remote_server_needs_leave_from_any_layer() {
    let mut layers = layers("allow_remote = true");
    layers.flags.server = Some("http://gpu.lan:8080/".into());
    let resolved = resolve(&layers).unwrap();
    assert_eq!(resolved.settings.server.as_deref(), Some("http://gpu.lan:8080"));

    layers.file = None;
    assert!(messages(&layers)[0].starts_with("--server http://gpu.lan:8080: is not on this"));
    layers.flags.allow_remote = true;
    assert!(resolve(&layers).unwrap().settings.allow_remote);
}

proptest! {
    #[test]
    fn no_text_panics_and_a_bad_one_always_says_why(file in "\\PC{0,80}(\n\\PC{0,40}){0,4}") {
        if let Err(error) = resolve(&layers(&file)) {
            prop_assert!(!error.problems.is_empty());
            prop_assert!(error.problems.iter().all(|p| !p.message.is_empty()));
        }
    }

    #[test]
    fn every_window_in_range_is_read_the_same_from_all_layers(tokens in 4_097_u64..=10_000_000) {
        let from_file = resolve(&layers(&format!("window = {tokens}"))).unwrap();
        let mut env = Layers::default();
        env.env.insert("LCC_WINDOW".into(), tokens.to_string());
        let mut flag = Layers::default();
        flag.flags.window = Some(tokens.to_string());
        for resolved in [from_file, resolve(&env).unwrap(), resolve(&flag).unwrap()] {
            prop_assert_eq!(resolved.settings.window, Some(tokens));
        }
    }
}

#[test]
fn profiles_of_one_s_own() {
    let file = "profile = \"mine\"\n[profiles.mine]\nbase = \"standard\"\n\
        tools = [\"Bash\", \"Read\", \"mcp__db__query\"]\nflags = [\"--append-system-prompt\", \"Be brief.\"]\n\
        [profiles.mine.env]\nCLAUDE_CODE_DISABLE_AUTO_MEMORY = true\nBASH_MAX_OUTPUT_LENGTH = 9000\n\
        CLAUDE_CODE_DISABLE_CRON = \"\"\n[profiles.bare-bones]\n";
    let settings = resolve(&layers(file)).unwrap().settings;
    let mine = settings.equipment().unwrap();
    assert_eq!((mine.name.as_str(), mine.base), ("mine", crate::domain::Profile::Standard));
    assert_eq!(mine.tools.as_ref().map(Vec::len), Some(3));
    assert_eq!(mine.env["CLAUDE_CODE_DISABLE_AUTO_MEMORY"], "1");
    assert_eq!(mine.env["BASH_MAX_OUTPUT_LENGTH"], "9000");
    assert_eq!(mine.env["CLAUDE_CODE_DISABLE_CRON"], "");
    assert_eq!(settings.profiles["bare-bones"].base, crate::domain::Profile::Lean);
}

#[test]
fn what_is_wrong_with_a_profile_is_told_with_its_line() {
    for (file, expected) in [
        (
            "profile = \"mien\"\n[profiles.mine]\n",
            "config.toml:1: profile = \"mien\": no such profile (did you mean mine?)",
        ),
        (
            "profile = \"big\"\n",
            "config.toml:1: profile = \"big\": expected lean, standard or full, or one of your own, \
             written as a table [profiles.NAME]",
        ),
        (
            "[profiles.lean]\nbase = \"full\"\n",
            "config.toml:1: profiles.lean: this name is lcc's own; give your profile another",
        ),
        (
            "[profiles.a]\nbase = \"medium\"\n",
            "config.toml:2: profiles.a.base: expected lean, standard or full",
        ),
        (
            "[profiles.a]\ntolls = []\n",
            "config.toml:2: profiles.a.tolls: unknown key (did you mean tools?)",
        ),
        (
            "[profiles.a]\ntools = [\"Bash(rm *)\"]\n",
            "config.toml:2: profiles.a.tools: \"Bash(rm *)\" is not the name of a tool",
        ),
        (
            "[profiles.a]\nflags = [\"--resume=x\"]\n",
            "config.toml:2: profiles.a.flags: --resume cannot be set here: use lcc --resume",
        ),
        (
            "[profiles.a]\n\n[profiles.a.env]\nANTHROPIC_BASE_URL = \"x\"\n",
            "config.toml:4: profiles.a.env.ANTHROPIC_BASE_URL: a profile may not set this variable",
        ),
        (
            "[profiles.a]\nenv = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = \"0\" }\n",
            "config.toml:2: profiles.a.env.CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: lcc sets this",
        ),
        ("profiles = 3\n", "config.toml:1: profiles: unknown key"),
        (
            "[profiles]\nx = 3\n",
            "config.toml:2: profiles.x: expected a table, written [profiles.x]",
        ),
        ("[profiles.\"A b\"]\n", "config.toml:1: profiles.A b: expected up to 32 lower-case"),
    ] {
        let got = messages(&layers(file));
        assert!(got.len() == 1 && got[0].starts_with(expected), "{file}\n{got:#?}");
    }
}
