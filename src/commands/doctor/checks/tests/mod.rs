//! Every check fails once at least and passes once at least; what it says then is a snapshot.

mod machines;

use super::*;
use machines::{Case, cases, good, on_ollama};

fn text(finding: &Finding) -> String {
    let fix: Vec<_> = finding.fix.lines().map(|line| format!("fix: {line}")).collect();
    let parts =
        [format!("{:?}: {}", finding.verdict, finding.found), finding.why.clone(), fix.join("\n")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn finding(facts: &Facts, name: &str) -> Finding {
    check(facts).into_iter().find(|f| f.check == name).unwrap()
}

#[test]
fn all_is_well_on_good_machines() {
    for facts in [good(), on_ollama()] {
        for f in check(&facts) {
            assert_eq!(f.verdict, Verdict::Ok, "{f:#?}");
            assert!(f.why.is_empty() && f.fix.is_empty() && !f.found.is_empty(), "{f:#?}");
        }
    }
}

#[test]
fn every_check_can_fail_and_names_a_fix() {
    let mut failed = std::collections::BTreeSet::new();
    let mut all = String::new();
    for Case { check, what, verdict, facts } in cases() {
        let f = finding(&facts, check);
        assert_eq!(f.verdict, verdict, "{check}, {what}: {f:#?}");
        assert!(!f.fix.is_empty() && !f.why.is_empty(), "{f:#?}");
        failed.insert(check);
        all.push_str(&format!("## {check}: {what}\n{}\n\n", text(&f)));
    }
    insta::assert_snapshot!("what_is_wrong_and_how_to_mend_it", all);
    let names: std::collections::BTreeSet<_> = check(&good()).iter().map(|f| f.check).collect();
    assert_eq!(failed, names, "checks that no case makes fail");
}

#[test]
fn what_cannot_be_seen_is_said_and_does_not_fail() {
    let facts = machines::silent_server();
    let mut all = String::new();
    for f in check(&facts).iter().filter(|f| f.verdict == Verdict::Skipped) {
        all.push_str(&format!("{}: {}\n", f.check, f.found));
        assert!(f.why.is_empty() && f.fix.is_empty(), "{f:#?}");
    }
    insta::assert_snapshot!("what_is_not_looked_at", all);
    assert!(!crate::commands::doctor::failed(&check(&facts)));
}

#[test]
fn a_machine_that_is_well_in_words() {
    let words = |facts: &Facts| {
        check(facts).iter().map(|f| format!("{}: {}\n", f.check, f.found)).collect::<String>()
    };
    insta::assert_snapshot!("llama_server_is_well", words(&good()));
    insta::assert_snapshot!("ollama_is_well", words(&on_ollama()));
}
