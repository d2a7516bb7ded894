//! The window as a budget: what is in it, what fits, when it runs out.
