//! How much memory a model needs at a window, and what the GPU may use of the machine's; pure.
//!
//! A token's KV cache is, per layer, KV heads × (key length + value length) values of two bytes
//! (f16, the default of llama.cpp and Ollama). Sliding-window layers may keep less; this is what
//! they need at most, and what they need with `--swa-full`.

use serde_json::Value;

/// Bytes of one f16 value.
const F16: u64 = 2;
/// Of Apple silicon's unified memory the GPU may use about this share, in percent.
const APPLE_PERCENT: u64 = 78;
/// What the server needs besides weights and KV cache: compute buffers, in percent of both.
const BUFFERS_PERCENT: u64 = 5;
const GIB: u64 = 1 << 30;
/// Tokens in what people call 1K of window.
pub const K: u64 = 1_024;

/// What the KV cache is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// KV heads of each layer.
    pub kv_heads: Vec<u64>,
    /// Values of one head's key.
    pub key: u64,
    /// Values of one head's value.
    pub value: u64,
    /// The sliding window in tokens, when the model has one.
    pub sliding: Option<u64>,
}

impl Shape {
    /// From a model's metadata, by GGUF key: `{arch}.block_count`, `{arch}.attention.…`.
    pub fn from_metadata(get: impl Fn(&str) -> Option<Value>) -> Option<Self> {
        let arch = get("general.architecture")?.as_str()?.to_owned();
        let entry = |key: &str| get(&format!("{arch}.{key}"));
        let number = |key: &str| entry(key)?.as_u64().filter(|n| *n > 0);
        let layers = usize::try_from(number("block_count")?).ok()?;
        let heads = number("attention.head_count");
        let kv_heads = match entry("attention.head_count_kv") {
            Some(Value::Array(list)) => list.iter().map(|n| n.as_u64().unwrap_or(0)).collect(),
            Some(one) => vec![one.as_u64()?; layers],
            None => vec![heads?; layers],
        };
        let default = || number("embedding_length")?.checked_div(heads?);
        Some(Self {
            kv_heads,
            key: number("attention.key_length").or_else(default)?,
            value: number("attention.value_length").or_else(default)?,
            sliding: number("attention.sliding_window"),
        })
    }

    /// Bytes of KV cache a token needs.
    #[must_use]
    pub fn bytes_per_token(&self) -> u64 {
        let heads: u64 = self.kv_heads.iter().fold(0, |sum, n| sum.saturating_add(*n));
        heads.saturating_mul(self.key.saturating_add(self.value)).saturating_mul(F16)
    }
}

/// What a model may lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Apple silicon: a share of all memory, or what `iogpu.wired_limit_mb` allows.
    Apple {
        /// Bytes of memory.
        total: u64,
        /// The limit somebody set, in bytes.
        limit: Option<u64>,
    },
    /// A GPU with memory of its own, in bytes.
    Gpu(u64),
    /// No GPU was seen: all memory, in bytes.
    Ram(u64),
}

impl Budget {
    /// Bytes a model may take.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Apple { limit: Some(limit), .. } => limit,
            Self::Apple { total, limit: None } => total / 100 * APPLE_PERCENT,
            Self::Gpu(bytes) | Self::Ram(bytes) => bytes,
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apple { limit: None, .. } => "the GPU may use (78 % of this Mac's memory)",
            Self::Apple { limit: Some(_), .. } => "the GPU may use (iogpu.wired_limit_mb)",
            Self::Gpu(_) => "the GPU has",
            Self::Ram(_) => "of memory",
        }
    }
}

/// What a model needs at a window, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Weights.
    pub weights: u64,
    /// KV cache of the whole window.
    pub kv: u64,
    /// Both, and the compute buffers.
    pub total: u64,
}

/// What `weights` bytes with this KV cache need at `window` tokens.
#[must_use]
pub fn need(weights: u64, shape: &Shape, window: u64) -> Need {
    let kv = shape.bytes_per_token().saturating_mul(window);
    let sum = weights.saturating_add(kv);
    Need { weights, kv, total: sum.saturating_add(sum / 100 * BUFFERS_PERCENT) }
}

/// The largest window, in steps of 1,024 tokens, that fits `budget` bytes.
#[must_use]
pub fn largest_window(weights: u64, shape: &Shape, budget: u64) -> u64 {
    let room = budget / (100 + BUFFERS_PERCENT) * 100;
    let tokens = room.saturating_sub(weights).checked_div(shape.bytes_per_token()).unwrap_or(0);
    tokens / 1_024 * 1_024
}

/// The window to ask for by the machine's memory: 36, 48 and 64 GiB give 32K, 32K and 256K.
/// `None` below: there it depends on the model.
#[must_use]
pub const fn advice(memory: u64) -> Option<u64> {
    // Firmware keeps a little for itself, so a 64 GiB machine shows somewhat less.
    match memory.saturating_add(GIB) / GIB {
        64.. => Some(262_144),
        36..64 => Some(32_768),
        0..36 => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(info: &Value) -> Option<Shape> {
        Shape::from_metadata(|key| info.get(key).cloned())
    }

    #[test]
    fn a_tokens_kv_cache_follows_from_the_metadata() {
        for (name, info, bytes) in [
            (
                "qwen3 8b",
                json!({"general.architecture": "qwen3", "qwen3.block_count": 36,
                    "qwen3.attention.head_count": 32, "qwen3.attention.head_count_kv": 8,
                    "qwen3.attention.key_length": 128, "qwen3.attention.value_length": 128}),
                Some(36 * 8 * 256 * 2),
            ),
            (
                "no key length: embedding ÷ heads",
                json!({"general.architecture": "llama", "llama.block_count": 32,
                    "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8,
                    "llama.embedding_length": 4_096}),
                Some(32 * 8 * 256 * 2),
            ),
            (
                "no grouped heads",
                json!({"general.architecture": "llama", "llama.block_count": 2,
                    "llama.attention.head_count": 4, "llama.embedding_length": 64}),
                Some(2 * 4 * 32 * 2),
            ),
            (
                "heads by layer, some layers without",
                json!({"general.architecture": "x", "x.block_count": 3,
                    "x.attention.head_count": 4, "x.attention.head_count_kv": [2, 0, 2],
                    "x.attention.key_length": 10, "x.attention.value_length": 6}),
                Some(4 * 16 * 2),
            ),
            ("no layers", json!({"general.architecture": "x"}), None),
            ("nothing", json!({}), None),
        ] {
            assert_eq!(shape(&info).map(|s| s.bytes_per_token()), bytes, "{name}");
        }
    }

    #[test]
    fn what_is_needed_and_what_fits_agree() {
        let shape = Shape { kv_heads: vec![8; 36], key: 128, value: 128, sliding: None };
        let weights = 5 * GIB;
        let at = need(weights, &shape, 32_768);
        assert_eq!(at.kv, 4_831_838_208);
        assert_eq!(at.total, at.weights + at.kv + (at.weights + at.kv) / 100 * 5);
        for budget in [0, GIB, 8 * GIB, 11 * GIB, 40 * GIB] {
            let window = largest_window(weights, &shape, budget);
            if window > 0 {
                assert!(need(weights, &shape, window).total <= budget);
            }
            assert!(need(weights, &shape, window + 2_048).total > budget);
        }
    }

    #[test]
    fn the_gpu_of_a_mac_gets_its_share() {
        let total = 64 * GIB;
        for (budget, gib) in [
            (Budget::Apple { total, limit: None }, 49),
            (Budget::Apple { total, limit: Some(56 * GIB) }, 56),
            (Budget::Gpu(24 * GIB), 24),
            (Budget::Ram(total), 64),
        ] {
            assert_eq!(budget.bytes() / GIB, gib, "{budget:?}");
        }
    }

    #[test]
    fn the_tiers() {
        for (gib, window) in [
            (16, None),
            (34, None),
            (36, Some(32_768)),
            (48, Some(32_768)),
            (63, Some(262_144)),
            (64, Some(262_144)),
            (128, Some(262_144)),
        ] {
            assert_eq!(advice(gib * GIB), window, "{gib} GiB");
        }
    }
}
