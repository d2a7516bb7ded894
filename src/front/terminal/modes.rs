//! What the child switched on, as a plain value: the encoders of keys, mouse and paste read it.

use alacritty_terminal::term::TermMode;

/// Which mouse events the child wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MouseTracking {
    /// None.
    #[default]
    Off,
    /// Presses and releases (mode 1000).
    Clicks,
    /// Those and motion with a button held (mode 1002).
    Drags,
    /// Every motion (mode 1003).
    Motion,
}

/// The child's modes that matter to what is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// DECCKM (1): cursor keys as SS3.
    pub app_cursor: bool,
    /// DECKPAM: application keypad.
    pub app_keypad: bool,
    /// 2004: pastes are bracketed.
    pub bracketed_paste: bool,
    /// 1004: focus is reported.
    pub focus_events: bool,
    /// 2031: changes of the colour scheme are reported.
    pub theme_reports: bool,
    /// 1049: the alternate screen is shown; it has no scrollback.
    pub alternate_screen: bool,
    /// 1007: on the alternate screen the wheel sends cursor keys.
    pub alternate_scroll: bool,
    /// 1000, 1002, 1003.
    pub mouse: MouseTracking,
    /// 1006: mouse events as SGR; the only encoding that is spoken.
    pub sgr_mouse: bool,
    /// Kitty keyboard flag 1, disambiguate escape codes. Flag 2, releases, is not granted.
    pub kitty_disambiguate: bool,
    /// Kitty keyboard flag 4: the shifted key beside the plain one.
    pub kitty_alternates: bool,
    /// Kitty keyboard flag 8: every key as an escape code, text too.
    pub kitty_all: bool,
    /// Kitty keyboard flag 16, of effect with flag 8: the text beside the key.
    pub kitty_text: bool,
    /// xterm's modifyOtherKeys, 0 to 2.
    pub modify_other_keys: u8,
    /// LNM (20): Enter sends CR LF.
    pub new_line: bool,
}

impl Modes {
    /// From the emulator's bits; what the emulator does not keep stays at its default.
    pub(super) fn from_emulator(mode: TermMode) -> Self {
        let mouse = if mode.contains(TermMode::MOUSE_MOTION) {
            MouseTracking::Motion
        } else if mode.contains(TermMode::MOUSE_DRAG) {
            MouseTracking::Drags
        } else if mode.contains(TermMode::MOUSE_REPORT_CLICK) {
            MouseTracking::Clicks
        } else {
            MouseTracking::Off
        };
        Self {
            app_cursor: mode.contains(TermMode::APP_CURSOR),
            app_keypad: mode.contains(TermMode::APP_KEYPAD),
            bracketed_paste: mode.contains(TermMode::BRACKETED_PASTE),
            focus_events: mode.contains(TermMode::FOCUS_IN_OUT),
            alternate_screen: mode.contains(TermMode::ALT_SCREEN),
            alternate_scroll: mode.contains(TermMode::ALTERNATE_SCROLL),
            mouse,
            sgr_mouse: mode.contains(TermMode::SGR_MOUSE),
            // Flag 8 includes what flag 1 does.
            kitty_disambiguate: mode
                .intersects(TermMode::DISAMBIGUATE_ESC_CODES | TermMode::REPORT_ALL_KEYS_AS_ESC),
            kitty_alternates: mode.contains(TermMode::REPORT_ALTERNATE_KEYS),
            kitty_all: mode.contains(TermMode::REPORT_ALL_KEYS_AS_ESC),
            kitty_text: mode.contains(TermMode::REPORT_ASSOCIATED_TEXT),
            new_line: mode.contains(TermMode::LINE_FEED_NEW_LINE),
            ..Self::default()
        }
    }
}
