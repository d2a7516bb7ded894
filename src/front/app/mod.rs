//! What the cockpit knows and how it changes: Model, Message, update; pure.
