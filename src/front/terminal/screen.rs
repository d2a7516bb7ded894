//! The handler between the parser and the emulator: joins graphemes, answers for lcc, and
//! bounds what a stream may pile up.

use alacritty_terminal::Term;
use alacritty_terminal::term::TermMode;
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, KeyboardModes,
    KeyboardModesApplyBehavior, LineClearMode, Mode, ModifyOtherKeys, NamedColor, NamedPrivateMode,
    PrivateMode, Rgb as VteRgb, StandardCharset, TabulationClearMode,
};
use unicode_width::UnicodeWidthChar;

use super::damage::Dirty;
use super::events::Queue;
use super::palette::{Palette, Rgb};
use super::policy::{CLIPBOARD_LIMIT, LINK_LIMIT, TITLE_LIMIT};
use super::{grapheme, marks, reply};

/// Kitty keyboard modes that may be pushed; the emulator itself cannot bear its own limit.
const KEYBOARD_STACK: usize = 32;

/// Kitty's flags that the encoder carries out: 1 disambiguate, 4 alternate keys, 8 all keys as
/// escape codes, 16 their text. Not 2: the outer terminal is not asked for releases.
const GRANTED: KeyboardModes = KeyboardModes::DISAMBIGUATE_ESC_CODES
    .union(KeyboardModes::REPORT_ALTERNATE_KEYS)
    .union(KeyboardModes::REPORT_ALL_KEYS_AS_ESC)
    .union(KeyboardModes::REPORT_ASSOCIATED_TEXT);

/// What the handler keeps beside the emulator.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// modifyOtherKeys, 0 to 2.
    pub(super) modify_other_keys: u8,
    /// Mode 2031.
    pub(super) theme_reports: bool,
    /// Mode 2026, as the stream has it.
    sync: bool,
    /// Mode ?5.
    pub(super) reversed: bool,
    /// The scrolling region, first and last row from 0; none: the whole screen.
    pub(super) margins: Option<(i32, i32)>,
    /// Rows changed past the emulator.
    pub(super) dirty: Dirty,
    /// Whether a character set other than ASCII was ever chosen: then the emulator maps.
    pub(super) mapped: bool,
    /// Kitty modes pushed on the primary and on the alternate screen.
    pushed: [usize; 2],
}

/// The emulator with its extras, for the time of one stretch of bytes.
pub(super) struct Screen<'a> {
    pub(super) term: &'a mut Term<Queue>,
    pub(super) extras: &'a mut Extras,
    pub(super) palette: &'a Palette,
    pub(super) version: &'a str,
    pub(super) queue: &'a Queue,
}

impl Screen<'_> {
    /// The colour the child would see at `index` of the emulator's table.
    fn colour(&self, index: usize) -> Rgb {
        if let Some(VteRgb { r, g, b }) = self.term.colors()[index] {
            return Rgb::new(r, g, b);
        }
        match u8::try_from(index) {
            Ok(index) => self.palette.indexed(index),
            Err(_) if index == NamedColor::Background as usize => self.palette.background,
            Err(_) if index == NamedColor::Cursor as usize => self.palette.cursor,
            Err(_) => self.palette.foreground,
        }
    }

    fn pushed(&mut self) -> &mut usize {
        let alternate = self.term.mode().contains(TermMode::ALT_SCREEN);
        &mut self.extras.pushed[usize::from(alternate)]
    }
}

fn lines(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Hands these methods to the emulator as they are.
macro_rules! to_emulator {
    ($($name:ident($($arg:ident: $kind:ty),*);)*) => {
        $(#[inline]
        fn $name(&mut self, $($arg: $kind),*) {
            Handler::$name(self.term, $($arg),*);
        })*
    };
}

impl Handler for Screen<'_> {
    #[inline]
    fn input(&mut self, c: char) {
        if c.is_ascii() {
            if c.is_ascii_control() || !self.print(c) {
                self.term.input(c);
            }
            return;
        }
        match c.width() {
            Some(0) if grapheme::is_invisible(c) => {}
            Some(0) => {
                if let Some(point) = self.before() {
                    self.join(point, c);
                }
            }
            _ => match self.before() {
                Some(point) if grapheme::joins(c, &self.term.grid()[point]) => self.join(point, c),
                _ => self.term.input(c),
            },
        }
    }

    fn identify_terminal(&mut self, intermediate: Option<char>) {
        match intermediate {
            None => self.queue.reply(reply::PRIMARY_ATTRIBUTES),
            Some('>') => self.queue.reply(reply::secondary_attributes(self.version)),
            Some(_) => {}
        }
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Unknown(2031) => self.extras.theme_reports = true,
            PrivateMode::Unknown(5) => self.reverse(true),
            PrivateMode::Unknown(47 | 1047) => self.alternate(true),
            PrivateMode::Unknown(1048) => Handler::save_cursor_position(self.term),
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.extras.sync = true,
            _ => Handler::set_private_mode(self.term, mode),
        }
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Unknown(2031) => self.extras.theme_reports = false,
            PrivateMode::Unknown(5) => self.reverse(false),
            PrivateMode::Unknown(47 | 1047) => self.alternate(false),
            PrivateMode::Unknown(1048) => Handler::restore_cursor_position(self.term),
            PrivateMode::Named(NamedPrivateMode::Origin) => {
                Handler::unset_private_mode(self.term, mode);
                Handler::goto(self.term, 0, 0);
            }
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.extras.sync = false,
            _ => Handler::unset_private_mode(self.term, mode),
        }
    }

    fn report_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Unknown(2031) => {
                self.queue.reply(reply::private_mode(2031, self.extras.theme_reports));
            }
            PrivateMode::Unknown(5) => {
                self.queue.reply(reply::private_mode(5, self.extras.reversed));
            }
            PrivateMode::Unknown(mode @ (47 | 1047)) => {
                let shown = self.term.mode().contains(TermMode::ALT_SCREEN);
                self.queue.reply(reply::private_mode(mode, shown));
            }
            // Clusters are always joined.
            PrivateMode::Unknown(2027) => self.queue.reply(reply::permanent_mode(2027)),
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => {
                self.queue.reply(reply::private_mode(2026, self.extras.sync));
            }
            _ => Handler::report_private_mode(self.term, mode),
        }
    }

    fn set_modify_other_keys(&mut self, mode: ModifyOtherKeys) {
        self.extras.modify_other_keys = match mode {
            ModifyOtherKeys::Reset => 0,
            ModifyOtherKeys::EnableExceptWellDefined => 1,
            ModifyOtherKeys::EnableAll => 2,
        };
    }

    fn report_modify_other_keys(&mut self) {
        self.queue.reply(reply::modify_other_keys(self.extras.modify_other_keys));
    }

    // Only what the encoder does is granted, so that `CSI ? u` answers the truth.
    fn push_keyboard_mode(&mut self, mode: KeyboardModes) {
        if *self.pushed() < KEYBOARD_STACK {
            *self.pushed() += 1;
            Handler::push_keyboard_mode(self.term, mode & GRANTED);
        }
    }

    fn pop_keyboard_modes(&mut self, count: u16) {
        let pushed = self.pushed();
        *pushed = pushed.saturating_sub(usize::from(count));
        Handler::pop_keyboard_modes(self.term, count);
    }

    fn set_keyboard_mode(&mut self, mode: KeyboardModes, behavior: KeyboardModesApplyBehavior) {
        Handler::set_keyboard_mode(self.term, mode & GRANTED, behavior);
    }

    fn clear_screen(&mut self, mode: ClearMode) {
        match mode {
            // `CSI 3 J` would wipe the scrollback, which belongs to the person.
            ClearMode::Saved => {}
            ClearMode::Below | ClearMode::Above | ClearMode::All => {
                Handler::clear_screen(self.term, mode);
            }
        }
    }

    fn reset_state(&mut self) {
        *self.extras = Extras::default();
        Handler::reset_state(self.term);
    }

    fn set_title(&mut self, title: Option<String>) {
        let title = title.map(|title| {
            if title.len() <= TITLE_LIMIT {
                return title;
            }
            let mut bytes = 0;
            title
                .chars()
                .take_while(|c| {
                    bytes += c.len_utf8();
                    bytes <= TITLE_LIMIT
                })
                .collect()
        });
        Handler::set_title(self.term, title);
    }

    fn set_hyperlink(&mut self, link: Option<Hyperlink>) {
        let link = link.filter(|link| link.uri.len() <= LINK_LIMIT && !marks::is_mark(&link.uri));
        Handler::set_hyperlink(self.term, link);
    }

    fn clipboard_store(&mut self, clipboard: u8, base64: &[u8]) {
        // Four characters of base64 carry three bytes.
        if base64.len() / 4 * 3 <= CLIPBOARD_LIMIT {
            Handler::clipboard_store(self.term, clipboard, base64);
        }
    }

    // The clipboard may hold anything; it is never sent to the child.
    fn clipboard_load(&mut self, _clipboard: u8, _terminator: &str) {}

    fn dynamic_color_sequence(&mut self, prefix: String, index: usize, terminator: &str) {
        self.queue.reply(reply::colour(&prefix, self.colour(index), terminator));
    }

    fn move_up(&mut self, count: usize) {
        self.vertical(-lines(count));
    }

    fn move_down(&mut self, count: usize) {
        self.vertical(lines(count));
    }

    fn move_up_and_cr(&mut self, count: usize) {
        self.vertical(-lines(count));
        Handler::carriage_return(self.term);
    }

    fn move_down_and_cr(&mut self, count: usize) {
        self.vertical(lines(count));
        Handler::carriage_return(self.term);
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        self.set_margins(top, bottom);
    }

    fn decaln(&mut self) {
        self.align();
    }

    fn device_status(&mut self, kind: usize) {
        if kind == 6 {
            let (row, col) = self.position();
            self.queue.reply(reply::cursor(row, col));
        } else {
            Handler::device_status(self.term, kind);
        }
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        self.extras.mapped |= index != CharsetIndex::G0;
        Handler::set_active_charset(self.term, index);
    }

    fn configure_charset(&mut self, index: CharsetIndex, charset: StandardCharset) {
        self.extras.mapped |= charset != StandardCharset::Ascii;
        Handler::configure_charset(self.term, index, charset);
    }

    to_emulator! {
        set_cursor_style(style: Option<CursorStyle>);
        set_cursor_shape(shape: CursorShape);
        goto(line: i32, col: usize);
        goto_line(line: i32);
        goto_col(col: usize);
        insert_blank(count: usize);
        move_forward(count: usize);
        move_backward(count: usize);
        put_tab(count: u16);
        backspace();
        carriage_return();
        linefeed();
        bell();
        substitute();
        newline();
        set_horizontal_tabstop();
        scroll_up(count: usize);
        scroll_down(count: usize);
        insert_blank_lines(count: usize);
        delete_lines(count: usize);
        erase_chars(count: usize);
        delete_chars(count: usize);
        move_backward_tabs(count: u16);
        move_forward_tabs(count: u16);
        save_cursor_position();
        restore_cursor_position();
        clear_line(mode: LineClearMode);
        clear_tabs(mode: TabulationClearMode);
        set_tabs(interval: u16);
        reverse_index();
        terminal_attribute(attribute: Attr);
        set_mode(mode: Mode);
        unset_mode(mode: Mode);
        report_mode(mode: Mode);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        set_color(index: usize, colour: VteRgb);
        reset_color(index: usize);
        push_title();
        pop_title();
        text_area_size_pixels();
        text_area_size_chars();
        report_keyboard_mode();
    }
}
