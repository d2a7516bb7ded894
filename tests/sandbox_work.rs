//! Ordinary work in the sandbox: commits, builds and tests of several languages, local servers.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use common::Real;

/// The user for tests as somebody else than root.
const OTHER: u32 = 12_345;

struct Bench {
    root: tempfile::TempDir,
    /// Runs lcc as this user; the caller's own where `None`.
    user: Option<u32>,
}

impl Bench {
    /// A project below a folder that everybody may enter, owned by the user.
    fn new(user: Option<u32>) -> Self {
        let root = tempfile::Builder::new().prefix("lcc-work-").tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["project", "state", "home"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let bench = Self { root, user };
        bench.own(bench.root.path());
        bench
    }

    /// Root, and somebody else where this is root.
    fn users() -> Vec<Option<u32>> {
        let root = nix::unistd::geteuid().is_root();
        if root { vec![None, Some(OTHER)] } else { vec![None] }
    }

    fn own(&self, path: &Path) {
        let Some(user) = self.user else { return };
        chown(path, Some(user), Some(user)).unwrap();
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.own(&entry.unwrap().path());
            }
        }
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.own(&self.project());
    }

    /// An empty repository, made outside.
    fn init(&self) {
        let made = Command::new("git")
            .args(["init", "--quiet", "--initial-branch=main"])
            .arg(self.project())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status()
            .unwrap();
        assert!(made.success());
        self.own(&self.project());
    }

    /// `lcc sandbox -- bash -c SCRIPT`, with more arguments for lcc before it.
    fn run(&self, more: &[&str], script: &str) -> Output {
        let mut lcc = match self.user {
            None => Command::new(env!("CARGO_BIN_EXE_lcc")),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={user}")]);
                command.args(["--clear-groups", "--", env!("CARGO_BIN_EXE_lcc")]);
                command.env("HOME", self.root.path().join("home"));
                command
            }
        };
        lcc.env("LCC_STATE_DIR", self.root.path().join("state"));
        lcc.env_remove("CARGO_TARGET_DIR");
        lcc.arg("sandbox").arg("--project").arg(self.project()).args(more);
        lcc.args(["--", "bash", "-c", script]).stdin(Stdio::null());
        lcc.current_dir(self.root.path()).output().unwrap()
    }

    /// The same; its output, which must be of a success.
    fn works(&self, script: &str) -> String {
        let output = self.run(&[], script);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "as {:?}: {script}\n{out}\n{err}", self.user);
        out
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a program is there inside for this user; a test without it says so.
fn has(bench: &Bench, program: &str) -> bool {
    let found = bench.run(&[], &format!("command -v {program}")).status.success();
    if !found {
        eprintln!("SKIPPED as {:?}: no {program} inside the sandbox", bench.user);
    }
    found
}

#[test]
fn git_commits_with_the_users_name() {
    if Real::bwrap().is_none() {
        return;
    }
    for user in Bench::users() {
        let bench = Bench::new(user);
        let config = bench.root.path().join("gitconfig");
        fs::write(&config, "[user]\n name = Ada\n email = ada@example.test\n[core]\n pager = x\n")
            .unwrap();
        bench.write("a.txt", "one\n");
        let script = "git add -A && git commit -qm first && echo two >> a.txt && \
            git commit -qam second && git checkout -qb side && git merge -q main 2>/dev/null; \
            git log --format='%an <%ae> %s' && git status --short && git config core.pager; true";
        // Inside none can be made at the top: what a repository trusts is held.
        bench.init();
        let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
        if let Some(user) = user {
            lcc = Command::new("setpriv");
            lcc.args([format!("--reuid={user}"), format!("--regid={user}")]);
            lcc.args(["--clear-groups", "--", env!("CARGO_BIN_EXE_lcc")]);
        }
        lcc.env("LCC_STATE_DIR", bench.root.path().join("state"));
        lcc.env("GIT_CONFIG_GLOBAL", &config).env("HOME", bench.root.path().join("home"));
        lcc.args(["sandbox", "--project"]).arg(bench.project()).args(["--", "bash", "-c", script]);
        let output = lcc.output().unwrap();
        let said = text(&output.stdout);
        assert_eq!(
            said,
            "Ada <ada@example.test> second\nAda <ada@example.test> first\n",
            "as {user:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn cargo_builds_and_tests_a_crate_without_a_network() {
    if Real::bwrap().is_none() {
        return;
    }
    for user in Bench::users() {
        let bench = Bench::new(user);
        if !has(&bench, "cargo") {
            continue;
        }
        let manifest = |name: &str, more: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}")
        };
        let needs = "[dependencies]\ninner = { path = \"inner\" }\nvendored = \"0.1\"\n";
        bench.write("Cargo.toml", &manifest("outer", needs));
        bench.write("src/lib.rs", "#[test]\nfn sum() { assert_eq!(inner::N + vendored::N, 3); }\n");
        bench.write("inner/Cargo.toml", &manifest("inner", ""));
        bench.write("inner/src/lib.rs", "pub const N: u8 = 1;\n");
        // A vendored crate, as `cargo vendor` lays it out.
        bench.write("vendor/vendored/Cargo.toml", &manifest("vendored", ""));
        bench.write("vendor/vendored/src/lib.rs", "pub const N: u8 = 2;\n");
        bench.write("vendor/vendored/.cargo-checksum.json", "{\"files\":{},\"package\":null}");
        bench.write(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\n\
             directory = \"vendor\"\n",
        );
        let said = bench.works("cargo build 2>&1 && cargo test 2>&1");
        assert!(said.contains("test sum ... ok"), "{said}");
        // What cargo learned of the host stays the host's: its own folder takes no file.
        let out = bench.works(
            "touch $CARGO_HOME/here && ! touch $CARGO_HOME/bin/x 2>/dev/null && \
             ls -A $CARGO_HOME | grep -c credentials; true",
        );
        assert_eq!(out, "0\n");
    }
}

#[test]
fn npm_and_node_test_install_and_serve() {
    if Real::bwrap().is_none() {
        return;
    }
    for user in Bench::users() {
        let bench = Bench::new(user);
        if !has(&bench, "npm") {
            continue;
        }
        bench.write(
            "package.json",
            r#"{"name":"demo","version":"1.0.0","scripts":{"test":"node --test"},
                "dependencies":{"dep":"file:./dep"}}"#,
        );
        bench.write("dep/package.json", r#"{"name":"dep","version":"1.0.0","main":"i.js"}"#);
        bench.write("dep/i.js", "module.exports = 7;");
        bench.write(
            "a.test.js",
            "const t = require('node:test'), a = require('node:assert');\n\
             t('seven', () => a.equal(require('dep'), 7));\n",
        );
        bench.write(
            "serve.js",
            "const s = require('http').createServer((q, r) => r.end('served by node'));\n\
             s.listen(0, () => require('fs').writeFileSync('port', String(s.address().port)));\n",
        );
        let said = bench.works("npm install --no-audit 2>&1 && npm test 2>&1");
        assert!(said.contains("# pass 1") || said.contains("pass 1"), "{said}");
        let said = bench.works(
            "node serve.js & server=$!; \
             for i in $(seq 400); do [ -s port ] && break; sleep 0.05; done; \
             curl -s http://localhost:$(cat port)/; kill $server",
        );
        assert_eq!(said, "served by node");
    }
}

#[test]
fn python_makes_an_environment_installs_and_serves() {
    if Real::bwrap().is_none() {
        return;
    }
    for user in Bench::users() {
        let bench = Bench::new(user);
        if !has(&bench, "python3")
            || !bench.run(&[], "python3 -c 'import ensurepip'").status.success()
        {
            eprintln!("SKIPPED as {user:?}: no python3 with venv");
            continue;
        }
        // A backend of its own, so that nothing has to be fetched to build it.
        bench.write(
            "lib/pyproject.toml",
            "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\
             [project]\nname = \"mylib\"\nversion = \"0.1\"\n",
        );
        bench.write(
            "lib/backend.py",
            "import os, zipfile\n\
             def build_wheel(to, config=None, metadata=None):\n\
             \x20   name = 'mylib-0.1-py3-none-any.whl'\n\
             \x20   with zipfile.ZipFile(os.path.join(to, name), 'w') as z:\n\
             \x20       z.writestr('mylib.py', 'ANSWER = 42\\n')\n\
             \x20       d = 'mylib-0.1.dist-info/'\n\
             \x20       z.writestr(d + 'METADATA', 'Metadata-Version: 2.1\\nName: mylib\\nVersion: 0.1\\n')\n\
             \x20       z.writestr(d + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
             \x20       z.writestr(d + 'RECORD', '')\n\
             \x20   return name\n",
        );
        bench.write(
            "test_it.py",
            "import unittest, mylib\nclass T(unittest.TestCase):\n    def test(self):\n        \
             self.assertEqual(mylib.ANSWER, 42)\n",
        );
        bench.works("python3 -m venv .venv && .venv/bin/pip install -q ./lib");
        let tested = bench.run(&[], ".venv/bin/python -m unittest -q");
        assert!(tested.status.success(), "{}", text(&tested.stderr));
        let said = bench.works(
            "python3 -u -m http.server 0 --bind 127.0.0.1 > log 2>/dev/null & server=$!; \
             for i in $(seq 400); do grep -q port log && break; sleep 0.05; done; \
             port=$(sed 's/.*port \\([0-9]*\\).*/\\1/;q' log); \
             curl -s http://127.0.0.1:$port/test_it.py | head -1; kill $server",
        );
        assert_eq!(said, "import unittest, mylib\n");
    }
}

#[test]
fn a_folder_is_added_to_be_read_or_written() {
    if Real::bwrap().is_none() {
        return;
    }
    for user in Bench::users() {
        let bench = Bench::new(user);
        let data = bench.root.path().join("data");
        fs::create_dir_all(data.join(".git/hooks")).unwrap();
        fs::write(data.join(".git/config"), "[core]\n").unwrap();
        fs::write(data.join("f"), "shown\n").unwrap();
        bench.own(&data);
        let named = data.to_str().unwrap();
        let try_all = format!(
            "cat {named}/f; echo x > {named}/new && echo wrote; \
             echo x >> {named}/.git/config && echo configured; \
             echo x > {named}/.git/hooks/pre-commit && echo hooked; \
             mv {named}/.git {named}/g && echo moved; true"
        );
        let without = bench.run(&[], &try_all);
        assert_eq!(text(&without.stdout), "", "{}", text(&without.stderr));
        let read = bench.run(&["--add-dir", named], &try_all);
        assert_eq!(text(&read.stdout), "shown\n", "{}", text(&read.stderr));
        // Relative ones start at the folder lcc was started in.
        let written = bench.run(&["--add-dir", "data:rw"], &try_all);
        assert_eq!(text(&written.stdout), "shown\nwrote\n", "{}", text(&written.stderr));
        assert_eq!(fs::read_to_string(data.join("new")).unwrap(), "x\n");
        for wrong in ["/", "/etc:rw", "missing", "/proc"] {
            let refused = bench.run(&["--add-dir", wrong], "echo ran");
            assert_eq!(text(&refused.stdout), "", "{wrong}");
            assert!(!refused.status.success(), "{wrong}");
        }
    }
}

#[test]
fn no_credential_of_a_toolchain_is_shown_and_no_secret_passes() {
    if Real::bwrap().is_none() {
        return;
    }
    let bench = Bench::new(None);
    // Not in /tmp, where inside everything beside the mounts can be written.
    let root = tempfile::tempdir_in("/var/tmp").unwrap();
    let home = root.path().join("home");
    for (path, content) in [
        (".cargo/bin/tool", "#!/bin/sh\necho tool ran\n"),
        (".cargo/credentials.toml", "canary"),
        (".cargo/config.toml", "[registry]\ntoken = \"canary\"\n[net]\nretry = 1\n"),
        (".nvm/versions/node/v1.0.0/bin/fakenode", "#!/bin/sh\necho node ran\n"),
        (".nvm/versions/node/v1.0.0/etc/npmrc", "//r/:_authToken=canary"),
        (".npmrc", "canary"),
        (".pypirc", "canary"),
        (".config/gh/hosts.yml", "canary"),
        (".ssh/id_ed25519", "canary"),
        (".local/bin/uv", "#!/bin/sh\necho uv ran\n"),
        (".local/bin/private-script", "canary"),
        (".local/share/uv/python/x", "x"),
        (".local/share/uv/credentials/c", "canary"),
    ] {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bin = home.join(".nvm/versions/node/v1.0.0/bin");
    let mut lcc = Command::new(env!("CARGO_BIN_EXE_lcc"));
    lcc.env_clear().env("HOME", &home).env("LCC_STATE_DIR", bench.root.path().join("state"));
    lcc.env("PATH", format!("{}:{}/bin:/usr/bin:/bin", bin.display(), bench.project().display()));
    lcc.env("MY_FLAG", "flag").env("MY_TOKEN", "canary").env("GITHUB_TOKEN", "canary");
    lcc.env("NAMED_KEY", "named").env("LCC_PASS_ENV", "MY_*,NAMED_KEY");
    let script = format!(
        "tool; fakenode; uv; env; find {home} -type f -exec cat {{}} + 2>/dev/null; \
         for d in ${{PATH//:/ }}; do [ -w $d ] && echo writable $d; done; true",
        home = home.display()
    );
    lcc.args(["sandbox", "-v", "--project"])
        .arg(bench.project())
        .args(["--", "bash", "-c", &script]);
    let output = lcc.output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    for said in ["tool ran", "node ran", "uv ran", "MY_FLAG=flag", "NAMED_KEY=named", "retry = 1"] {
        assert!(out.contains(said), "{said}: {out}\n{err}");
    }
    assert!(!out.contains("canary") && !out.contains("writable"), "{out}");
    assert!(err.contains("MY_TOKEN is not passed") && !err.contains("canary"), "{err}");
    assert!(err.contains("toolchains: cargo, nvm, uv, local-bin"), "{err}");
}
