//! Plans as tables: what each server gets, and what an old build does not.

use proptest::prelude::*;

use super::*;

/// The help of a build with everything.
const NEW: &str = "\
-m,    --model FNAME     x
--offline                x
--host HOST              x
--port PORT              x
-c,    --ctx-size N      x
-np,   --parallel N      x
--kv-unified, -kvu       x
--kv-unified-per-slot N  x
-b,    --batch-size N    x
-fa,   --flash-attn [on|off|auto] x
-ctk,  --cache-type-k T  x
-ctv,  --cache-type-v T  x
--cache-ram N            x
--swa-full               x
--jinja                  x
--metrics                x
--slots                  x
--slot-save-path PATH    x
-a,    --alias NAME      x
";
/// A build of before the prompt cache in memory, when flash attention was a switch.
const OLD: &str = "\
-m,    --model FNAME     x
--host HOST              x
--port PORT              x
-c,    --ctx-size N      x
-np,   --parallel N      x
-b,    --batch-size N    x
-fa,   --flash-attn      x
--jinja                  x
--metrics                x
--slots                  x
--slot-save-path PATH    x
-a,    --alias NAME      x
";

fn facts(help: &str) -> Facts {
    Facts {
        program: "/bin/server".into(),
        needs_shell: false,
        options: Options::read(help),
        model_file: Some("/m/a b.gguf".into()),
        slides: false,
        memory: Some(64 << 30),
        slots_dir: "/state/slots".into(),
    }
}

fn args(wish: &Wish, facts: &Facts) -> String {
    plan(wish, facts).unwrap().args.join(" ")
}

#[test]
fn a_new_llama_server_gets_everything_and_a_small_second_slot() {
    let found = plan(&Wish::default(), &facts(NEW)).unwrap();
    assert_eq!(
        found.args.join(" "),
        "-m /m/a b.gguf --offline --host 127.0.0.1 --port 8080 -c 36864 -np 2 --kv-unified \
         --kv-unified-per-slot 32768 -b 1024 -fa on --cache-ram 8192 --jinja --metrics --slots \
         --slot-save-path /state/slots -a a b"
    );
    assert_eq!((found.url().as_str(), found.probe), ("http://127.0.0.1:8080", Probe::Health));
    assert_eq!((found.notes, found.env), (Vec::<String>::new(), Vec::new()));
}

#[test]
fn an_old_llama_server_gets_what_it_knows_and_the_rest_is_said() {
    let found = plan(&Wish::default(), &facts(OLD)).unwrap();
    assert_eq!(
        found.args.join(" "),
        "-m /m/a b.gguf --host 127.0.0.1 --port 8080 -c 32768 -np 1 -b 1024 -fa --jinja --metrics \
         --slots --slot-save-path /state/slots -a a b"
    );
    let notes = found.notes.join("\n");
    assert!(notes.contains("one slot") && notes.contains("--cache-ram"), "{notes}");
}

#[test]
fn wishes_show_in_the_arguments() {
    let wish = |change: fn(&mut Wish)| {
        let mut wish = Wish::default();
        change(&mut wish);
        wish
    };
    for (wish, words) in [
        (wish(|w| w.window = 65_536), "-c 69632 -np 2"),
        (wish(|w| w.port = Some(9_000)), "--port 9000"),
        (wish(|w| w.kv_type = KvType::Q8), "-ctk q8_0 -ctv q8_0"),
        (wish(|w| w.cache_ram = Some(0)), "--cache-ram 0"),
        (wish(|w| w.alias = Some("a,b".into())), "-a a-b"),
        (wish(|w| w.extra = vec!["-ngl".into(), "99".into()]), "-ngl 99"),
    ] {
        let args = args(&wish, &facts(NEW));
        assert!(args.contains(words), "{words}: {args}");
    }
    let small = Facts { memory: Some(8 << 30), ..facts(NEW) };
    assert!(args(&Wish::default(), &small).contains("--cache-ram 1024"));
    let slides = Facts { slides: true, ..facts(NEW) };
    assert!(args(&Wish::default(), &slides).contains("--swa-full"));
    assert!(!args(&wish(|w| w.swa_full = false), &slides).contains("--swa-full"));
}

#[test]
fn a_help_that_cannot_be_read_means_one_slot_and_a_word() {
    let found = plan(&Wish::default(), &facts("")).unwrap();
    assert!(found.args.join(" ").contains("-c 32768 -np 1"), "{found:?}");
    assert!(found.notes.iter().any(|n| n.contains("--help could not be read")), "{found:?}");
}

#[test]
fn a_llamafile_is_a_server_maybe_by_way_of_a_shell() {
    let wish = Wish { kind: Some(ServeKind::Llamafile), ..Wish::default() };
    let own = Facts { needs_shell: true, model_file: None, ..facts(NEW) };
    let found = plan(&wish, &own).unwrap();
    assert_eq!(found.program, PathBuf::from("/bin/sh"));
    assert!(found.args.join(" ").starts_with("/bin/server --server --offline --host 127.0.0.1"));
    assert!(!found.args.contains(&"-m".to_owned()));
}

#[test]
fn ollama_is_told_by_its_environment() {
    let wish = Wish {
        model: Some("qwen3:8b".into()),
        kv_type: KvType::Q4,
        cache_ram: Some(512),
        ..Wish::default()
    };
    let found = plan(&wish, &facts("")).unwrap();
    assert_eq!((found.kind, found.port), (ServeKind::Ollama, 11_434));
    assert_eq!(found.args, ["serve"]);
    assert_eq!(found.probe, Probe::Ollama(Some("qwen3:8b".to_owned())));
    let env: Vec<String> =
        found.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        env,
        [
            "OLLAMA_HOST=127.0.0.1:11434",
            "OLLAMA_CONTEXT_LENGTH=32768",
            "OLLAMA_FLASH_ATTENTION=1",
            "OLLAMA_KEEP_ALIVE=-1",
            "OLLAMA_NO_CLOUD=1",
            "OLLAMA_NUM_PARALLEL=1",
            "LLAMA_ARG_CACHE_RAM=512",
            "OLLAMA_KV_CACHE_TYPE=q4_0",
        ]
    );
}

#[test]
fn no_model_and_downloads_are_refused() {
    let none = Facts { model_file: None, ..facts(NEW) };
    assert_eq!(plan(&Wish::default(), &none), Err(PlanError::NoModel));
    let wish = Wish { extra: vec!["-hf".into(), "org/model".into()], ..Wish::default() };
    let e = plan(&wish, &facts(NEW)).unwrap_err().to_string();
    assert!(e.contains("-hf is refused") && e.contains("downloads no model"), "{e}");
}

#[test]
fn the_kind_is_told_from_program_and_model() {
    use ServeKind::{LlamaServer, Llamafile, Ollama};
    for (kind, program, model, expected) in [
        (None, None, None, LlamaServer),
        (None, None, Some("/m/x.gguf"), LlamaServer),
        (None, None, Some("/m/x"), LlamaServer),
        (None, None, Some("qwen3:8b"), Ollama),
        (None, None, Some("x.llamafile"), Llamafile),
        (None, Some("/opt/ollama"), None, Ollama),
        (None, Some("/opt/llamafile-0.10"), Some("/m/x.gguf"), Llamafile),
        (None, Some("/opt/my-server"), Some("x"), LlamaServer),
        (Some(Ollama), Some("/opt/llama-server"), Some("/m/x.gguf"), Ollama),
    ] {
        let wish = Wish {
            kind,
            program: program.map(PathBuf::from),
            model: model.map(str::to_owned),
            ..Wish::default()
        };
        assert_eq!(wish.kind(), expected, "{program:?} {model:?}");
    }
}

proptest! {
    /// Whatever this build knows: nothing it does not know is passed, and it never listens
    /// elsewhere.
    #[test]
    fn only_known_options_are_passed(known in prop::collection::vec(any::<bool>(), 19)) {
        let help: String = NEW
            .lines()
            .zip(&known)
            .filter(|(_, known)| **known)
            .map(|(line, _)| format!("{line}\n"))
            .collect();
        let facts = facts(&help);
        let found = plan(&Wish::default(), &facts).unwrap();
        for option in found.args.iter().filter(|a| a.starts_with('-')) {
            prop_assert!(facts.options.has(option), "{option} of {help}");
        }
        for (at, arg) in found.args.iter().enumerate() {
            prop_assert!(arg != "--host" || found.args[at + 1] == "127.0.0.1");
        }
    }
}
