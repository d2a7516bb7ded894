//! The profile against every attempt, against permissive profiles, and against odd names.

use std::{collections::BTreeSet, fmt::Write};

use proptest::prelude::*;

use super::{
    attempts::{self, Answer, LAST, cases, judge},
    evaluate::{Attempt, Policy, Reading},
    places::Places,
    profile::generate,
    samples,
};

fn policy(places: &Places) -> Policy {
    attempts::read(&generate(places).unwrap()).unwrap()
}

fn text(places: &Places) -> String {
    let profile = generate(places).unwrap();
    let mut text = profile.text;
    for (name, value) in profile.parameters {
        let _infallible = writeln!(text, ";; {name} = {}", value.display());
    }
    text
}

#[test]
fn the_profile_is_pinned() {
    insta::assert_snapshot!("plain", text(&samples::plain()));
    insta::assert_snapshot!("odd", text(&samples::odd()));
    insta::assert_snapshot!("bare", text(&samples::bare()));
}

#[test]
fn every_number_is_answered_once() {
    let numbers: Vec<u8> = cases(&samples::plain()).iter().map(|case| case.number).collect();
    assert_eq!(numbers, (1..=LAST).collect::<Vec<u8>>());
}

#[test]
fn every_attempt_ends_as_it_must() {
    for places in [samples::plain(), samples::odd(), samples::bare()] {
        let policy = policy(&places);
        assert_eq!(policy.unknown, Vec::<String>::new());
        let wrong: Vec<_> =
            judge(&policy, &places).into_iter().filter(|outcome| !outcome.right).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn each_answer_names_the_rule_that_decides() {
    let places = samples::plain();
    let profile = generate(&places).unwrap();
    let policy = attempts::read(&profile).unwrap();
    let lines: Vec<&str> = profile.text.lines().collect();
    let table = [
        (Attempt::on("file-write-data", "/Users/ada/project/src/a.rs"), true, "(allow file-write*"),
        (Attempt::on("file-write-data", "/Users/ada/x"), false, "(deny default"),
        (
            Attempt::on("file-write-data", "/Users/ada/project/.git/config"),
            false,
            "(deny file-write*",
        ),
        (Attempt::bare("file-link"), false, "(deny file-link)"),
        (
            Attempt::named("mach-lookup", "global-name", "com.apple.tccd"),
            false,
            "(deny mach-lookup",
        ),
        (Attempt::on("file-read-data", "/usr/bin/git"), true, "(allow file-read*"),
    ];
    for (attempt, allowed, rule) in table {
        let verdict = policy.judge(&attempt, Reading::Closest);
        let line = lines[verdict.line.unwrap() - 1];
        assert_eq!(
            (verdict.allowed, line.starts_with(rule)),
            (allowed, true),
            "{attempt:?} {line}"
        );
    }
}

/// What Claude Code and its tools need: a profile that stops everything is no profile.
#[test]
fn everyday_work_is_possible() {
    let policy = policy(&samples::plain());
    let p = |rest: &str| format!("/Users/ada/project/{rest}");
    for path in [
        "src/main.rs",
        ".git/index",
        ".git/index.lock",
        ".git/objects/ab/cd",
        ".git/refs/heads/gr\u{f6}\u{df}e",
        ".git/HEAD",
        ".git/COMMIT_EDITMSG",
        ".git/logs/HEAD",
        "node_modules/x/.vscode/settings.json",
        "node_modules/x/.idea/a.xml",
        "target/debug/a",
        ".gitignore",
        ".github/workflows/ci.yml",
        "gr\u{f6}\u{df}e.txt",
        ".venv/bin/python",
        ".claude/plans/a.md",
        "a/config",
        "hooks/x",
    ] {
        for operation in
            ["file-write-create", "file-write-data", "file-write-unlink", "file-read-data"]
        {
            assert!(policy.lets(&Attempt::on(operation, p(path))), "{operation} {path}");
        }
    }
    for attempt in [
        Attempt::bare("process-fork"),
        Attempt::on("process-exec", "/bin/zsh"),
        Attempt::on("process-exec-interpreter", p("run.sh")),
        Attempt::on("process-exec", "/Users/ada/bin/claude"),
        Attempt::on("file-map-executable", "/usr/lib/libSystem.B.dylib"),
        Attempt::on("file-read-data", "/"),
        Attempt::on("file-read-metadata", "/Users"),
        Attempt::on("file-read-metadata", "/Users/ada"),
        Attempt::on("file-read-metadata", "/private/etc"),
        Attempt::on("file-read-data", "/private/etc/ssl/cert.pem"),
        Attempt::on("file-read-data", "/opt/homebrew/bin/rg"),
        Attempt::on("file-write-data", "/dev/null").with("vnode-type", "CHARACTER-DEVICE"),
        Attempt::on("file-read-data", "/dev/urandom"),
        Attempt::on("file-write-data", "/dev/fd/2"),
        Attempt::on("file-ioctl", "/dev/ttys042"),
        Attempt::on("file-write-data", "/dev/ttys042"),
        Attempt::on("file-ioctl", "/dev/tty"),
        Attempt::on("file-write-create", "/Users/ada/Library/lcc/home/.claude/projects/x.jsonl"),
        Attempt::on("file-write-create", "/Users/ada/Library/lcc/home/tmp/x"),
        Attempt::on("file-write-create", "/Users/ada/Library/lcc/home/.cargo/registry/x"),
        Attempt::named("signal", "target", "same-sandbox"),
        Attempt::named("process-info-pidinfo", "target", "same-sandbox"),
        Attempt::bare("sysctl-read"),
        Attempt::bare("pseudo-tty"),
        Attempt::named("mach-lookup", "global-name", "com.apple.cfprefsd.daemon"),
        Attempt::named("system-socket", "socket-domain", "AF_INET")
            .with("socket-type", "SOCK_STREAM"),
    ] {
        assert!(policy.lets(&attempt), "{attempt:?}");
    }
}

/// The same table must be able to find holes.
#[test]
fn a_permissive_profile_shows_as_open() {
    let places = samples::plain();
    let read = |text: &str| Policy::read(text, &[].into()).unwrap();
    let open = |text: &str| -> BTreeSet<u8> {
        let outcomes = judge(&read(text), &places);
        outcomes
            .into_iter()
            .filter(|outcome| outcome.open && !outcome.right)
            .map(|o| o.number)
            .collect()
    };
    let asked: BTreeSet<u8> = cases(&places)
        .into_iter()
        .filter(|case| matches!(&case.answer, Answer::Profile(ways) if ways.iter().any(|way| way.expected == attempts::Expected::Stopped)))
        .map(|case| case.number)
        .collect();
    assert!(asked.len() >= 50, "{}", asked.len());
    assert_eq!(open("(version 1)(allow default)"), asked);
    let writes = open("(version 1)(deny default)(allow file-write*)");
    for number in [6, 14, 16, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 36, 37, 39, 40, 84, 94] {
        assert!(writes.contains(&number), "{number}");
    }
    let net = open("(version 1)(deny default)(allow network*)(allow system-socket)");
    for number in [61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 90] {
        assert!(net.contains(&number), "{number}");
    }
    assert_eq!(open("(version 1)(deny default)").len(), 0);
}

/// Every denial is needed: turned round it shows. But for the list of protected paths, which is held
/// twice: by name, and after that by an expression for any spelling.
#[test]
fn a_profile_without_its_denials_is_found_out() {
    let places = samples::plain();
    let profile = generate(&places).unwrap();
    let turned = |at: &[usize]| {
        let mut weaker = profile.clone();
        for at in at.iter().rev() {
            weaker.text.replace_range(at + 1..at + 5, "allow");
        }
        attempts::open(&weaker, &places).unwrap().len()
    };
    let denials: Vec<usize> =
        profile.text.match_indices("(deny ").map(|(at, _)| at).skip(1).collect();
    let hidden: Vec<usize> = denials.iter().copied().filter(|at| turned(&[*at]) == 0).collect();
    let twice = profile.text.find(";; what other programs trust\n").unwrap();
    assert_eq!(hidden, [twice + ";; what other programs trust\n".len()]);
    assert!(denials.len() >= 9, "{}", denials.len());
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z0-9._ -]{1,12}",
        1 => "[\\PC&&[^/\"\\\\]]{1,12}",
        1 => Just(".git".to_owned()),
    ]
    .prop_filter("a name", |name| name != "." && name != "..")
}

fn below(root: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(move |names| format!("{root}/{}", names.join("/")))
}

/// Any spelling that differs in case alone.
fn spelled(text: &str, upper: &[bool]) -> String {
    text.chars()
        .zip(upper.iter().cycle())
        .map(|(c, upper)| if *upper { c.to_ascii_uppercase() } else { c })
        .collect()
}

const WRITES: [&str; 9] = [
    "file-write-create",
    "file-write-data",
    "file-write-unlink",
    "file-write-mode",
    "file-write-owner",
    "file-write-flags",
    "file-write-setugid",
    "file-link",
    "file-mknod",
];

proptest! {
    #[test]
    fn nothing_outside_is_ever_writable(project in below("/Users/ada"), outside in "(/[\\PC&&[^/]]{1,10}){1,5}") {
        let mut places = samples::plain();
        places.project = project.into();
        let Ok(profile) = generate(&places) else { return Ok(()) };
        let policy = attempts::read(&profile).unwrap();
        let inside = places.writable().any(|folder| std::path::Path::new(&outside).starts_with(folder));
        prop_assume!(!inside);
        for operation in WRITES {
            prop_assert!(policy.stops(&Attempt::on(operation, outside.clone())), "{} {}", operation, outside);
        }
    }

    #[test]
    fn what_is_protected_is_so_in_any_spelling_and_any_project(
        project in below("/Users/ada"),
        which in 0..100_usize,
        upper in prop::collection::vec(any::<bool>(), 1..40),
        deeper in prop::option::of("[a-zA-Z0-9]{1,8}"),
    ) {
        let mut places = samples::plain();
        places.project = project.into();
        let Ok(profile) = generate(&places) else { return Ok(()) };
        let policy = attempts::read(&profile).unwrap();
        let all: Vec<&str> = super::lists::GIT.iter().copied()
            .chain(crate::engine::sandbox::policy::protected::PATHS).collect();
        let mut path = places.project.join(spelled(all[which % all.len()], &upper));
        path.extend(deeper);
        for operation in WRITES {
            let attempt = Attempt::on(operation, path.display().to_string());
            prop_assert!(policy.stops(&attempt), "{:?}", attempt);
        }
    }

    #[test]
    fn a_place_is_refused_or_makes_a_profile_that_holds(project in below("/Users/ada"), home in below("/Users/ada/Library"), tool in below("/Users/ada/tools")) {
        let mut places = samples::plain();
        places.project = project.into();
        places.home = home.into();
        places.read_only = vec![tool.into()];
        if let Ok(profile) = generate(&places) {
            let open = attempts::open(&profile, &places).unwrap();
            prop_assert!(open.is_empty(), "{:?}", open);
            for (_, value) in &profile.parameters {
                let value = value.to_string_lossy();
                let fixed = value.matches('/').count() < 4;
                prop_assert!(fixed || !profile.text.contains(&*value));
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[()\"#; \n\\\\a-z*-]{0,200}") {
        if let Ok(policy) = Policy::read(&text, &[].into()) {
            let _verdict = policy.judge(&Attempt::bare("file-read-data"), Reading::Closest);
        }
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "allow", "deny", "default", "file-read*", "subpath", "\"/a\"", "require-all", "require-not",
        "regex", "#\"^/(a\"", "param", "define", "f", "x", "string-append", "if", "remote", "tcp", "\"localhost:1\"",
        "target", "self", "version", "1", "with", "message",
    ]), 0..60)) {
        if let Ok(policy) = Policy::read(&words.join(" "), &[].into()) {
            let _verdict = policy.judge(&Attempt::on("file-read-data", "/a/b"), Reading::Last);
        }
    }
}

#[test]
fn definitions_that_do_not_end_are_refused() {
    let endless = "(define (f x) (f x))(allow file-read* (f \"/a\"))";
    assert!(Policy::read(endless, &[].into()).is_err());
    let mut doubling = String::from("(define a \"x\")");
    for _ in 0..40 {
        doubling.push_str("(define (g x) (string-append x x))(define a (g a))");
    }
    // Forty doublings of a letter would fill the memory.
    assert!(Policy::read(&doubling, &[].into()).is_err());
    let deep = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(Policy::read(&deep, &[].into()).is_err());
}
