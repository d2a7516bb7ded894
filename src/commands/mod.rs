//! The commands of the command line, each thin.
