//! What is never passed on to a model server: arguments and variables that reach outside.

/// Arguments that download a model.
const DOWNLOADS: [&str; 14] = [
    "-hf",
    "-hfr",
    "--hf-repo",
    "-hff",
    "--hf-file",
    "-hfd",
    "-hfrd",
    "--hf-repo-draft",
    "-hfv",
    "-hffv",
    "-mu",
    "--model-url",
    "-dr",
    "--docker-repo",
];

/// Variables that a model server may inherit, by the beginning of their names: the machine's
/// graphics, its libraries, its folders. Nothing that names a server, a token or a download.
const INHERITED: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_",
    "TZ",
    "TMPDIR",
    "XDG_",
    "SHELL",
    "LD_",
    "DYLD_",
    "CUDA_",
    "NVIDIA_",
    "HIP_",
    "ROCR_",
    "HSA_",
    "GGML_",
    "VK_",
    "MTL_",
    "OMP_",
    "ONEAPI_",
    "SYCL_",
    "OLLAMA_MODELS",
];

/// The first argument that is refused, and why.
pub(super) fn first(args: &[String]) -> Option<(String, &'static str)> {
    args.iter().enumerate().find_map(|(at, arg)| {
        let name = arg.split('=').next().unwrap_or_default();
        // llama.cpp takes `_` for `-` inside long options.
        let name = name.replace('_', "-");
        let why = if DOWNLOADS.contains(&name.as_str()) || name.ends_with("-default") {
            "lcc downloads no model. Fetch the GGUF file yourself and name it with --model FILE"
        } else if name == "--host" && args.get(at + 1).is_none_or(|host| host != "127.0.0.1") {
            "lcc's server listens on 127.0.0.1 alone. Start it yourself to offer it to others"
        } else if ["--port", "-m", "--model", "-c", "--ctx-size"].contains(&name.as_str()) {
            "lcc sets it itself. Use --port, --model or --window of lcc serve"
        } else {
            return None;
        };
        Some((arg.clone(), why))
    })
}

/// Whether a model server may inherit this variable.
pub(super) fn inherits(name: &str) -> bool {
    INHERITED.iter().any(|known| name == *known || known.ends_with('_') && name.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_and_other_addresses_are_refused() {
        for (args, option) in [
            (&["-hf", "a/b"][..], Some("-hf")),
            (&["--threads", "4", "--hf_repo=a/b"], Some("--hf_repo=a/b")),
            (&["--fim-qwen-1.5b-default"], Some("--fim-qwen-1.5b-default")),
            (&["--host", "0.0.0.0"], Some("--host")),
            (&["--host"], Some("--host")),
            (&["--host", "127.0.0.1"], None),
            (&["-ngl", "99", "--threads", "4"], None),
            (&["-c", "4"], Some("-c")),
        ] {
            let args: Vec<String> = args.iter().map(|&a| a.to_owned()).collect();
            assert_eq!(first(&args).map(|(option, _)| option).as_deref(), option, "{args:?}");
        }
    }

    #[test]
    fn keys_and_downloads_are_not_inherited() {
        for (name, inherited) in [
            ("PATH", true),
            ("LC_ALL", true),
            ("CUDA_VISIBLE_DEVICES", true),
            ("OLLAMA_MODELS", true),
            ("ANTHROPIC_API_KEY", false),
            ("HF_TOKEN", false),
            ("LLAMA_ARG_HF_REPO", false),
            ("OLLAMA_HOST", false),
            ("PATHOLOGY", false),
            ("HTTPS_PROXY", false),
        ] {
            assert_eq!(inherits(name), inherited, "{name}");
        }
    }
}
