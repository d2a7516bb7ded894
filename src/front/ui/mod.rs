//! draw(&Model, &Theme, &mut Buffer): one widget a file, pure.
//!
//! A widget is a function from figures to lines or cells. It asks the theme for roles and never
//! for colours, writes units behind every figure, `–` for what is not known and `~` before what
//! is estimated, and says everything without colour, too.

mod alert;
mod bar;
mod cache;
mod claude;
mod column;
mod composer;
mod dialog;
mod explain;
mod fixed;
mod header;
mod help;
mod keybar;
mod log;
mod manual;
mod map;
mod noise;
mod palette;
mod plain;
mod prefill;
mod sandbox;
mod search;
mod server;
mod spark;
mod strip;
mod text;
mod thinking;
mod time;
mod timeline;
mod too_small;
mod window;
mod zoom;

pub use claude::{CursorAt, cursor};
pub use column::pane_places;
pub use manual::keys_page;
pub use palette::command_at;
pub use zoom::row_at;

use ratatui::{
    buffer::Buffer,
    widgets::{Clear, Widget},
};

use crate::front::{
    app::{ChildState, Kind, Model, Overlay},
    theme::Theme,
};

/// Draws the whole cockpit into a buffer of the model's size.
pub fn draw(model: &Model, theme: &Theme, buf: &mut Buffer) {
    let layout = model.layout();
    let screen = layout.screen.intersection(buf.area);
    if screen != layout.screen {
        // The outer terminal has just changed its size; the next frame fits again.
        return;
    }
    match layout.kind {
        Kind::TooSmall => {
            too_small::draw(screen, theme, buf);
            return;
        }
        Kind::Wide => {
            header::draw(model, theme, layout.header, buf);
            claude::draw(model, theme, &layout, buf);
            column::draw(model, theme, layout.panes, buf);
        }
        Kind::Strip => {
            claude::draw(model, theme, &layout, buf);
            strip::draw(model, theme, layout.strip, buf);
            column::draw(model, theme, layout.panes, buf);
        }
        Kind::Plain => {
            claude::draw(model, theme, &layout, buf);
            plain::draw(model, theme, layout.strip, buf);
        }
    }
    if layout.kind == Kind::Plain && !model.overlays.is_empty() {
        // Words of two things between each other cannot be followed.
        Clear.render(layout.pane, buf);
    }
    alert::draw(model, theme, layout.alert, buf);
    match &model.reader {
        Some(reader) => search::bar(model, reader, theme, layout.keys, buf),
        None => keybar::draw(model, theme, layout.keys, buf),
    }
    for overlay in &model.overlays {
        match overlay {
            Overlay::Help(scroll) => help::draw(model, *scroll, theme, screen, buf),
            Overlay::Log(view) => log::draw(&model.log, view, theme, layout.frame, buf),
            Overlay::Composer(purpose) => composer::draw(model, *purpose, theme, screen, buf),
            Overlay::Dialog(asked) => dialog::draw(model, asked, theme, screen, buf),
            Overlay::Zoom(open) => zoom::draw(model, open, theme, layout.frame, buf),
            Overlay::Explain(id) => explain::draw(model, *id, theme, screen, buf),
            Overlay::Palette(open) => palette::draw(model, open, theme, screen, buf),
        }
    }
    if layout.kind == Kind::Plain {
        // Claude Code draws its own screen; lcc's is words.
        let own = !model.overlays.is_empty() || model.child != ChildState::Running;
        plain::flatten(if own { screen } else { layout.strip.union(layout.keys) }, buf);
    }
}
