//! The model: whether it is there, can call tools, and gets the window that was asked for.

use super::{NO_SERVER, found, not_ok, ok, skipped};
use crate::{
    commands::doctor::{Finding, Verdict, facts::Facts, memory},
    domain::{ServerFacts, ServerKind, units},
};

/// The least window in which the lean prompt, an answer and some work fit.
const LEAST_WINDOW: u64 = 16_384;
/// What lcc works with when nobody says anything else.
const USUAL_WINDOW: u64 = 32_768;

pub(super) fn model(facts: &Facts) -> Finding {
    const NAME: &str = "model";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let known = &facts.details.models;
    // A server with one model takes any name; Ollama adds `:latest` to a bare one.
    let is =
        |name: &str, wanted: &str| name == wanted || name.strip_suffix(":latest") == Some(wanted);
    match (&facts.model, &server.model) {
        (Some(wanted), _)
            if server.kind == ServerKind::Ollama && !known.iter().any(|n| is(n, wanted)) =>
        {
            let there = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            not_ok(
                NAME,
                Verdict::Failure,
                format!("{wanted} is not there; there is: {there}"),
                "every request would be answered with 404.",
                format!("ollama pull {wanted}\nor name one that is there: --model NAME"),
            )
        }
        (Some(wanted), _) => ok(NAME, wanted.clone()),
        (None, Some(serves)) => ok(NAME, serves.clone()),
        (None, None) => not_ok(
            NAME,
            Verdict::Failure,
            format!("{} has no model", server.kind.name()),
            "there is nobody to answer.",
            match server.kind {
                ServerKind::Ollama => "ollama pull MODEL",
                ServerKind::LmStudio => "lms load MODEL --context-length 32768",
                ServerKind::LlamaServer | ServerKind::Llamafile => {
                    "llama-server -m MODEL.gguf --jinja -c 32768 -np 1 --metrics"
                }
                ServerKind::Practice
                | ServerKind::Vllm
                | ServerKind::Sglang
                | ServerKind::LlamaSwap
                | ServerKind::MlxLm
                | ServerKind::Unknown => "load a model there, or name one with --model",
            },
        ),
    }
}

pub(super) fn tools(facts: &Facts) -> Finding {
    const NAME: &str = "tools";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    const WHY: &str = "Claude Code works by calling tools; without them the model talks of files \
                       it has never read, and each such turn costs its whole prefill for nothing.";
    match (server.kind, facts.details.tools) {
        (ServerKind::Practice, _) => ok(NAME, "the practice server plays them"),
        (_, Some(true)) => ok(NAME, "the model and its template can call them"),
        (ServerKind::Ollama, Some(false)) => not_ok(
            NAME,
            Verdict::Failure,
            "Ollama does not count this model as one that calls tools",
            WHY,
            "take a model with the tools capability: ollama show MODEL lists it\n\
             for a model of your own: a TEMPLATE in its Modelfile that renders .Tools",
        ),
        (_, Some(false)) => not_ok(
            NAME,
            Verdict::Failure,
            "the chat template renders no tools",
            WHY,
            "start the server with a template that does: \
             llama-server … --jinja --chat-template-file TEMPLATE.jinja",
        ),
        (ServerKind::Vllm, None) => skipped(
            NAME,
            "vLLM does not tell; it needs --enable-auto-tool-choice --tool-call-parser NAME; \
             lcc doctor --smoke tries",
        ),
        (_, None) => skipped(NAME, "the server does not tell; lcc doctor --smoke tries"),
    }
}

pub(super) fn modelfile(facts: &Facts) -> Finding {
    const NAME: &str = "modelfile";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let Some(file) = &facts.details.modelfile else {
        return ok(NAME, format!("none with {}", server.kind.name()));
    };
    let mlx = facts.details.format.as_deref() == Some("safetensors");
    if let (true, Some(ctx)) = (mlx, file.num_ctx) {
        return not_ok(
            NAME,
            Verdict::Warning,
            format!("num_ctx {ctx} in the Modelfile of an MLX model"),
            "the MLX engine reports this window but does not hold to it: what goes beyond is \
             taken into memory instead of being refused.",
            format!("set window = {ctx} in lcc's configuration: lcc keeps to it by itself"),
        );
    }
    if let (true, Some(renderer)) = (file.template, &file.renderer) {
        return not_ok(
            NAME,
            Verdict::Warning,
            format!("it has a TEMPLATE and RENDERER {renderer}"),
            "with a built-in renderer Ollama ignores the template: a change made there, to stop \
             thinking or to render tools, has no effect.",
            "remove the RENDERER and PARSER lines and make the model anew: \
             ollama create NAME -f Modelfile",
        );
    }
    ok(NAME, "nothing in it that the engine ignores")
}

pub(super) fn window(facts: &Facts) -> Finding {
    const NAME: &str = "window";
    let Some(server) = found(facts) else { return skipped(NAME, NO_SERVER) };
    let Some(given) = server.window else {
        return not_ok(
            NAME,
            Verdict::Warning,
            "the server does not tell",
            "lcc then assumes 32,768 tokens; with less, the start of the conversation is lost.",
            if server.kind == ServerKind::Ollama {
                "load the model first: ollama run MODEL \"\"; or say it with --window TOKENS"
            } else {
                "load the model first, or say it with --window TOKENS"
            },
        );
    };
    let text = units::count(given);
    if let Some(asked) = facts.window.filter(|asked| *asked > given) {
        return not_ok(
            NAME,
            Verdict::Failure,
            format!("asked for {}, the server gives {text}", units::count(asked)),
            lost(server.kind),
            format!("{}\nor set window = {given}", start_with(server, facts, asked)),
        );
    }
    if given < LEAST_WINDOW {
        return not_ok(
            NAME,
            Verdict::Failure,
            format!("{text} tokens"),
            format!(
                "Claude Code's own prompt takes about 4,300 tokens even lean, an answer 4,096 \
                 more. {}",
                lost(server.kind)
            ),
            start_with(server, facts, USUAL_WINDOW),
        );
    }
    let memory = facts.memory.map(|(total, _)| total);
    let advised = memory.and_then(memory::advice).filter(|a| *a > given);
    let more = advised.map_or_else(String::new, |a| {
        format!("; this machine's memory would allow about {}", units::count(a))
    });
    ok(NAME, format!("{text} tokens per request{more}"))
}

/// What becomes of the tokens that do not fit.
const fn lost(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Ollama => {
            "What does not fit, Ollama drops without a word, the oldest messages first: the model \
             works on without them."
        }
        ServerKind::LmStudio => {
            "What does not fit is answered with an error 500, which Claude Code repeats for \
             minutes."
        }
        ServerKind::Practice
        | ServerKind::LlamaServer
        | ServerKind::Llamafile
        | ServerKind::Vllm
        | ServerKind::Sglang
        | ServerKind::LlamaSwap
        | ServerKind::MlxLm
        | ServerKind::Unknown => "What does not fit is refused.",
    }
}

/// How this server is started with a window.
fn start_with(server: &ServerFacts, facts: &Facts, window: u64) -> String {
    match server.kind {
        ServerKind::Ollama
            if facts.details.modelfile.as_ref().is_some_and(|m| m.num_ctx.is_some()) =>
        {
            format!(
                "the Modelfile's num_ctx goes before OLLAMA_CONTEXT_LENGTH: set PARAMETER \
                 num_ctx {window} there and make the model anew"
            )
        }
        ServerKind::Ollama => format!("OLLAMA_CONTEXT_LENGTH={window} ollama serve"),
        ServerKind::LmStudio => format!("lms load MODEL --context-length {window}"),
        ServerKind::Vllm => format!("vllm serve MODEL --max-model-len {window}"),
        ServerKind::Sglang => format!("sglang … --context-length {window}"),
        ServerKind::Practice => format!("lcc practice --window {window}"),
        ServerKind::LlamaServer | ServerKind::Llamafile | ServerKind::LlamaSwap => {
            format!("llama-server … -c {window} -np 1")
        }
        ServerKind::MlxLm | ServerKind::Unknown => {
            format!("start the server with a window of {window}")
        }
    }
}
