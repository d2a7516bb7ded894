//! The handler between the parser and the emulator: joins graphemes, answers for lcc, and
//! bounds what a stream may pile up.

use alacritty_terminal::Term;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Point};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, KeyboardModes,
    KeyboardModesApplyBehavior, LineClearMode, Mode, ModifyOtherKeys, NamedColor, NamedPrivateMode,
    PrivateMode, Rgb as VteRgb, StandardCharset, TabulationClearMode,
};
use unicode_width::UnicodeWidthChar;

use super::events::{CLIPBOARD_LIMIT, Queue};
use super::palette::{Palette, Rgb};
use super::{grapheme, marks, reply};

/// Bytes of a title that the emulator may keep on its stack.
const TITLE_LIMIT: usize = 1024;

/// Bytes of a link's address; a longer one is no link.
const LINK_LIMIT: usize = 4096;

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
    /// The cell that a mark or a joining character would belong to: the one before the cursor.
    fn before(&self) -> Option<Point> {
        let cursor = &self.term.grid().cursor;
        let mut point = cursor.point;
        if !cursor.input_needs_wrap {
            point.column = Column(point.column.0.checked_sub(1)?);
        }
        if self.term.grid()[point].flags.contains(Flags::WIDE_CHAR_SPACER) {
            point.column = Column(point.column.0.checked_sub(1)?);
        }
        Some(point)
    }

    /// Puts `c` on the cell at `point`, which takes two columns if the cluster now does.
    fn join(&mut self, point: Point, c: char) {
        let cell = &mut self.term.grid_mut()[point];
        if cell.zerowidth().is_some_and(|marks| marks.len() >= grapheme::MARKS) {
            return;
        }
        cell.push_zerowidth(c);
        if !cell.flags.contains(Flags::WIDE_CHAR) && grapheme::is_wide(cell) {
            self.widen(point);
        }
    }

    /// Gives the cell at `point` a second column and moves the cursor behind it. In the last
    /// column there is none to give: the cell stays narrow.
    fn widen(&mut self, point: Point) {
        let columns = self.term.columns();
        let second = Point::new(point.line, point.column + 1);
        if second.column.0 >= columns {
            return;
        }
        let grid = self.term.grid_mut();
        if grid[second].flags.contains(Flags::WIDE_CHAR) && second.column.0 + 1 < columns {
            // Its other half would be left without an owner.
            grid[Point::new(second.line, second.column + 1)].flags.remove(Flags::WIDE_CHAR_SPACER);
        }
        grid[point].flags.insert(Flags::WIDE_CHAR);
        let mut spacer = grid.cursor.template.clone();
        spacer.c = ' ';
        spacer.flags.insert(Flags::WIDE_CHAR_SPACER);
        grid[second] = spacer;
        if second.column.0 + 1 < columns {
            grid.cursor.point.column = second.column + 1;
        } else {
            grid.cursor.point.column = second.column;
            grid.cursor.input_needs_wrap = true;
        }
    }

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
            return self.term.input(c);
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
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.extras.sync = true,
            _ => Handler::set_private_mode(self.term, mode),
        }
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Unknown(2031) => self.extras.theme_reports = false,
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.extras.sync = false,
            _ => Handler::unset_private_mode(self.term, mode),
        }
    }

    fn report_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Unknown(2031) => {
                self.queue.reply(reply::private_mode(2031, self.extras.theme_reports));
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

    to_emulator! {
        set_cursor_style(style: Option<CursorStyle>);
        set_cursor_shape(shape: CursorShape);
        goto(line: i32, col: usize);
        goto_line(line: i32);
        goto_col(col: usize);
        insert_blank(count: usize);
        move_up(count: usize);
        move_down(count: usize);
        device_status(kind: usize);
        move_forward(count: usize);
        move_backward(count: usize);
        move_down_and_cr(count: usize);
        move_up_and_cr(count: usize);
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
        set_scrolling_region(top: usize, bottom: Option<usize>);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        set_active_charset(index: CharsetIndex);
        configure_charset(index: CharsetIndex, charset: StandardCharset);
        set_color(index: usize, colour: VteRgb);
        reset_color(index: usize);
        decaln();
        push_title();
        pop_title();
        text_area_size_pixels();
        text_area_size_chars();
        report_keyboard_mode();
    }
}
