//! The one loop of the front: the outer terminal, its guard and its pacing.
