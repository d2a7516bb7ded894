//! Texts cut to a budget of tokens: whole items while they fit, then the ends of one.

/// Stands where something was left out.
const GAP: &str = " […] ";

/// What texts weigh: tokens per byte of plain text; a character beyond ASCII is taken for a token,
/// which is more than today's tokenizers make of most of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Tokens a byte of ASCII.
    pub(super) tokens_per_byte: f64,
}

impl Scale {
    /// A scale that any learned ratio gives, kept within what tokenizers do.
    pub(super) fn new(tokens_per_byte: f64) -> Self {
        Self { tokens_per_byte: tokens_per_byte.clamp(0.01, 4.0) }
    }

    /// Tokens, not rounded: the sum of the parts is the weight of the whole.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn weigh(self, text: &str) -> f64 {
        let ascii = text.bytes().filter(u8::is_ascii).count();
        let others = text.chars().filter(|c| !c.is_ascii()).count();
        ascii as f64 * self.tokens_per_byte + others as f64 * self.tokens_per_byte.max(1.0)
    }
}

/// Which end of something too long is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The beginning.
    First,
    /// The end.
    Last,
    /// Both ends: two thirds from the beginning.
    Both,
}

/// How an item is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dress {
    /// Word for word, each line behind `>`.
    Quote,
    /// As it is.
    Plain,
}

impl Dress {
    fn wear(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Quote => {
                let lines = text.trim().lines();
                let quoted =
                    lines.map(|l| if l.is_empty() { ">".to_owned() } else { format!("> {l}") });
                quoted.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Between two items. Quotes are told apart by a blank line.
    const fn between(self) -> &'static str {
        match self {
            Self::Quote => "\n\n",
            Self::Plain => "\n",
        }
    }
}

/// A heading and what stands under it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) heading: &'static str,
    pub(super) items: Vec<String>,
    pub(super) dress: Dress,
    /// Which items stay when not all fit, and which end of the one that is cut.
    pub(super) keep: Keep,
    /// Its share of the room before what others leave is given out.
    pub(super) share: f64,
}

impl Part {
    /// The whole of it.
    pub(super) fn whole(&self) -> String {
        let items: Vec<_> = self.items.iter().map(|item| self.dress.wear(item)).collect();
        self.under_heading(&items.join(self.dress.between()))
    }

    /// As much of it as fits; empty when nothing of it does.
    pub(super) fn within(&self, budget: f64, scale: Scale) -> String {
        let whole = self.whole();
        if scale.weigh(&whole) <= budget {
            return whole;
        }
        let last = self.keep == Keep::Last;
        let more = |n: usize| match n {
            0 => String::new(),
            n => format!("({n} {} left out)", if last { "earlier" } else { "more" }),
        };
        let frame = self.under_heading(&more(self.items.len()));
        let mut left = budget - scale.weigh(&frame) - scale.weigh(self.dress.between());
        let mut kept: Vec<String> = Vec::new();
        let order: Vec<&String> =
            if last { self.items.iter().rev().collect() } else { self.items.iter().collect() };
        for item in &order {
            let dressed = self.dress.wear(item);
            let weight = scale.weigh(&dressed) + scale.weigh(self.dress.between());
            if weight > left {
                break;
            }
            left -= weight;
            kept.push(dressed);
        }
        if kept.is_empty() {
            let Some(item) = order.first() else { return String::new() };
            left -= scale.weigh(self.dress.between());
            let Some(cut) = cut(item, left, self.keep, self.dress, scale) else {
                return String::new();
            };
            kept.push(cut);
        }
        let out = more(order.len() - kept.len());
        kept.extend(Some(out).filter(|text| !text.is_empty()));
        if last {
            kept.reverse();
        }
        self.under_heading(&kept.join(self.dress.between()))
    }

    fn under_heading(&self, body: &str) -> String {
        format!("\n## {}\n{body}\n", self.heading)
    }
}

/// The largest cut of a text that fits, dressed; `None` when nothing worth reading does.
pub(super) fn cut(
    text: &str,
    budget: f64,
    keep: Keep,
    dress: Dress,
    scale: Scale,
) -> Option<String> {
    let fits = |bytes: usize| {
        let dressed = dress.wear(&shortened(text, bytes, keep));
        (scale.weigh(&dressed) <= budget).then_some(dressed)
    };
    let (mut low, mut high) = (0, text.len());
    let mut best = None;
    while low <= high {
        let middle = low + (high - low) / 2;
        match fits(middle) {
            Some(found) => {
                // Less than this is no quote.
                if middle >= text.len().min(4) {
                    best = Some(found);
                }
                low = middle + 1;
            }
            None => match middle.checked_sub(1) {
                Some(less) => high = less,
                None => break,
            },
        }
    }
    best
}

/// A text cut to about so many bytes.
fn shortened(text: &str, bytes: usize, keep: Keep) -> String {
    if bytes >= text.len() {
        return text.to_owned();
    }
    let head = |bytes: usize| text.get(..text.floor_char_boundary(bytes)).unwrap_or_default();
    let tail =
        |bytes: usize| text.get(text.ceil_char_boundary(text.len() - bytes)..).unwrap_or_default();
    match keep {
        Keep::First => format!("{}{GAP}", head(bytes)),
        Keep::Last => format!("{GAP}{}", tail(bytes)).trim_start().to_owned(),
        Keep::Both => {
            let front = bytes - bytes / 3;
            format!("{}{GAP}{}", head(front), tail(bytes - front))
        }
    }
}
