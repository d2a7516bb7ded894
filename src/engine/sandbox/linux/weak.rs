//! Sandboxes with a hole, so that a test can see the attempts find it. Test builds alone have them.

use serde::{Deserialize, Serialize};

use crate::engine::sandbox::policy::{Arg, Plan};

/// The layer that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// The system-call filters.
    Seccomp,
    /// The mounts that keep folders above protected paths from being renamed.
    Pins,
    /// The mounts that make protected paths read-only.
    Protection,
}

/// What `LCC_TEST_WEAKEN` asks for.
#[cfg(debug_assertions)]
#[must_use]
pub fn wanted() -> Option<Weakness> {
    let word = std::env::var("LCC_TEST_WEAKEN").ok()?;
    serde_json::from_value(serde_json::Value::String(word)).ok()
}

/// Nothing, outside of test builds.
#[cfg(not(debug_assertions))]
#[must_use]
pub const fn wanted() -> Option<Weakness> {
    None
}

/// Whether this layer is left out; never outside of test builds.
#[must_use]
pub fn is(weakness: Option<Weakness>, layer: Weakness) -> bool {
    cfg!(debug_assertions) && weakness == Some(layer)
}

/// The plan without the layer. The inner stage checks the mounts by the plan, so they still agree.
#[must_use]
pub fn weaken(plan: Plan, weakness: Option<Weakness>) -> Plan {
    let Some(weakness) = weakness.filter(|_| cfg!(debug_assertions)) else { return plan };
    let without = match weakness {
        Weakness::Seccomp => return plan,
        Weakness::Pins => plan.pins.clone(),
        Weakness::Protection => plan.protected.clone(),
    };
    let mut plan = plan;
    for path in &without {
        let word =
            |word: &Arg| matches!(word, Arg::Word(word) if word.as_os_str() == path.as_os_str());
        while let Some(at) = plan
            .options
            .windows(2)
            .position(|pair| pair.iter().all(word))
            .and_then(|at| at.checked_sub(1))
        {
            plan.options.drain(at..at + 3);
        }
        plan.mounts.retain(|mount| mount.path != *path);
    }
    plan
}
