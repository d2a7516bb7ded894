//! The model servers: one file per kind behind one small trait.
