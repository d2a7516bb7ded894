//! The practice server: llama-server's dialect, a real prefix cache, a scripted agent, no model.
