//! What the child's control sequences may do beyond the pane: one table, and every limit.
//!
//! The pane draws what the child prints; everything else a sequence could do (answer, ask the
//! outer terminal, reach the clipboard, open something) stands here. What has no row is swallowed:
//! nothing of it is shown, answered or passed on. docs/TERMINAL.md is made from this table.

use std::fmt::Write;

/// What is done with a kind of sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Works inside the pane; nothing leaves it.
    Pass,
    /// The child gets an answer that lcc makes itself.
    Answer,
    /// The user is asked before anything happens.
    Ask,
    /// Goes on, cleaned of controls and bounded in size or rate.
    Bound,
    /// Swallowed.
    Drop,
}

impl Rule {
    /// The word in the table of the manual.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Answer => "answer",
            Self::Ask => "ask",
            Self::Bound => "bound",
            Self::Drop => "drop",
        }
    }
}

/// One kind of sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The sequence as manuals write it.
    pub sequence: &'static str,
    /// What is done.
    pub rule: Rule,
    /// How, and why not more.
    pub why: &'static str,
    /// Bytes of it, for the test that walks the table.
    pub example: &'static str,
}

/// Characters of a title, notification or other text that are kept.
pub(super) const TEXT_LIMIT: usize = 512;

/// Bytes of a clipboard store that are accepted; a larger one is dropped whole.
pub(super) const CLIPBOARD_LIMIT: usize = 1 << 20;

/// Bytes of a title that the emulator may keep on its stack.
pub(super) const TITLE_LIMIT: usize = 1024;

/// Bytes of a link's address; a longer one is no link.
pub(super) const LINK_LIMIT: usize = 4096;

/// Bytes that one unfinished control string may take before it is cancelled; the rest of it is
/// read past.
pub(super) const STRING_LIMIT: usize = 2 << 20;

/// Bytes of an OSC that the emulator does not know and lcc reads.
pub(super) const OSC_LIMIT: usize = 8 << 10;

/// The OSCs that the emulator's parser drops and lcc acts on.
pub(super) const TAPPED: [u16; 5] = [7, 9, 99, 133, 777];

const fn row(
    sequence: &'static str,
    rule: Rule,
    why: &'static str,
    example: &'static str,
) -> Entry {
    Entry { sequence, rule, why, example }
}

/// The table.
pub const TABLE: [Entry; 57] = [
    // Titles and other texts for the window.
    row(
        "OSC 0, OSC 2",
        Rule::Bound,
        "title: no controls, 512 characters, ten a second",
        "\x1b]2;t\x07",
    ),
    row("OSC 1", Rule::Drop, "icon name: no terminal shows it", "\x1b]1;icon\x07"),
    row(
        "CSI 22 t, CSI 23 t",
        Rule::Bound,
        "stack of titles, kept in the pane; what comes back is a title like any other",
        "\x1b[22;0t\x1b[23;0t",
    ),
    row(
        "CSI 20 t, CSI 21 t",
        Rule::Drop,
        "title as an answer: what one program wrote would be typed at another",
        "\x1b[21t\x1b[20t",
    ),
    row(
        "CSI 1 to 13 t",
        Rule::Drop,
        "moving, resizing, asking for the window: it is the user's",
        "\x1b[3;0;0t\x1b[8;10;10t\x1b[2t\x1b[11t\x1b[13t",
    ),
    row(
        "CSI 14 t, CSI 15 t, CSI 16 t",
        Rule::Drop,
        "sizes in pixels are not known",
        "\x1b[14t\x1b[16t",
    ),
    row("CSI 18 t", Rule::Answer, "the pane's size in cells", "\x1b[18t"),
    // Colours.
    row(
        "OSC 4, 10, 11, 12 with a colour",
        Rule::Pass,
        "changes the pane's colours, never the outer terminal's",
        "\x1b]11;#102030\x07",
    ),
    row(
        "OSC 4, 10, 11, 12 with ?",
        Rule::Answer,
        "the outer terminal's colours, asked once at the start",
        "\x1b]11;?\x07",
    ),
    row(
        "OSC 104, 110, 111, 112",
        Rule::Pass,
        "takes the pane's colours back",
        "\x1b]104\x07\x1b]111\x07",
    ),
    row(
        "OSC 13 to 19, OSC 21",
        Rule::Drop,
        "colours of things the pane has not",
        "\x1b]17;?\x07\x1b]21;foreground=?\x1b\\",
    ),
    row("CSI ? 996 n", Rule::Answer, "dark or light, from the background", "\x1b[?996n"),
    // Links, clipboards, files.
    row(
        "OSC 8",
        Rule::Ask,
        "kept by the cell; a click asks; only http, https and plain files of the project; 4,096 bytes",
        "\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\",
    ),
    row(
        "OSC 52 with data",
        Rule::Ask,
        "setting `clipboard`: ask, allow or never; 1 MiB; one a second",
        "\x1b]52;c;aGk=\x07",
    ),
    row(
        "OSC 52 with ?",
        Rule::Drop,
        "the clipboard may hold anything; it is never read",
        "\x1b]52;c;?\x07",
    ),
    row(
        "OSC 5522",
        Rule::Drop,
        "kitty's clipboard protocol reads as well",
        "\x1b]5522;type=read;dGV4dA==\x1b\\",
    ),
    row(
        "OSC 5113",
        Rule::Drop,
        "kitty's file transfer writes files outside the sandbox",
        "\x1b]5113;ac=send;id=x\x1b\\",
    ),
    row(
        "OSC 1337 File=",
        Rule::Drop,
        "iTerm2's download writes files outside the sandbox",
        "\x1b]1337;File=name=eA==;inline=0:AAAA\x07",
    ),
    row(
        "OSC 1337, others",
        Rule::Drop,
        "iTerm2's own: focus stealing, key labels, clipboards",
        "\x1b]1337;StealFocus\x07\x1b]1337;CopyToClipboard=\x07",
    ),
    row("CSI 5 i, CSI 4 i", Rule::Drop, "printing: no printer is the child's", "\x1b[5i\x1b[4i"),
    // Attention.
    row("BEL", Rule::Bound, "rung outside, five at once, then two a second", "\x07"),
    row(
        "OSC 9, 99, 777",
        Rule::Bound,
        "notification as plain text, 512 characters; three at once, then one in five seconds",
        "\x1b]9;hi\x07",
    ),
    row(
        "OSC 99 with p=?",
        Rule::Drop,
        "what the outer terminal's notifications can do is not the child's",
        "\x1b]99;i=1:p=?;\x1b\\",
    ),
    row("OSC 9 ; 4", Rule::Bound, "progress, five a second", "\x1b]9;4;3;\x07"),
    row(
        "OSC 9 ; 1 to 12",
        Rule::Drop,
        "ConEmu's own: sleeps, message boxes, macros",
        "\x1b]9;2;box\x07\x1b]9;6;macro\x07",
    ),
    // Shell integration.
    row("OSC 7", Rule::Bound, "folder: read as text, never acted on", "\x1b]7;file://h/x\x07"),
    row("OSC 133", Rule::Bound, "prompt marks: read, bounded", "\x1b]133;A\x07"),
    row(
        "OSC 633, OSC 697",
        Rule::Drop,
        "VS Code's and Fig's marks can name commands to run",
        "\x1b]633;E;rm\x07\x1b]697;x\x07",
    ),
    row("OSC 21337", Rule::Drop, "tab status of one terminal", "\x1b]21337;x\x07"),
    row(
        "OSC 22, OSC 50",
        Rule::Pass,
        "pointer and cursor shape, the pane's alone",
        "\x1b]22;pointer\x07\x1b]50;CursorShape=1\x07",
    ),
    row("OSC 3008, any other", Rule::Drop, "unknown", "\x1b]3008;x\x07\x1b]31337;y\x07"),
    // Device control strings.
    row(
        "DCS $ q (DECRQSS)",
        Rule::Answer,
        "one fixed refusal: a setting sent back could carry what was hidden in it",
        "\x1bP$qm\x1b\\",
    ),
    row("DCS + q (XTGETTCAP)", Rule::Answer, "one fixed refusal", "\x1bP+q544e\x1b\\"),
    row(
        "DCS + p, DCS $ t",
        Rule::Drop,
        "settings from outside",
        "\x1bP+p544e\x1b\\\x1bP1$t1;1\x1b\\",
    ),
    row(
        "DCS q (sixel)",
        Rule::Drop,
        "read past and kept nowhere, however long: no memory, no picture",
        "\x1bPq#0;2;0;0;0#0~~@@vv@@~~@@~~$\x1b\\",
    ),
    row(
        "DCS tmux ;",
        Rule::Drop,
        "no passage to a terminal further out: what is in it counts for itself",
        "\x1bPtmux;\x1b\x1b]1337;x\x07\x1b\\",
    ),
    row(
        "DCS |, DCS p, any other",
        Rule::Drop,
        "user keys, ReGIS: unknown",
        "\x1bP0;1|17/17\x1b\\\x1bPpS(E)\x1b\\",
    ),
    row(
        "APC G",
        Rule::Drop,
        "kitty's pictures can name files to read",
        "\x1b_Gt=f,f=100,a=T;L2V0Yy9wYXNzd2Q=\x1b\\",
    ),
    row("APC, PM, SOS", Rule::Drop, "read past", "\x1b_x\x1b\\\x1b^y\x1b\\\x1bXz\x1b\\"),
    // Questions.
    row("CSI c", Rule::Answer, "VT220 with colours: no sixel, no locator", "\x1b[c"),
    row("CSI > c", Rule::Answer, "lcc's version as a number", "\x1b[>c"),
    row("CSI = c", Rule::Drop, "a unit's number would be made up", "\x1b[=c"),
    row("CSI > q", Rule::Answer, "lcc(version), before what is asked after it", "\x1b[>q"),
    row("CSI 5 n, CSI 6 n", Rule::Answer, "well; the cursor", "\x1b[5n"),
    row(
        "CSI ? n, others",
        Rule::Drop,
        "printer, keyboard, locator, macros",
        "\x1b[?15n\x1b[?25n\x1b[?26n\x1b[?62n",
    ),
    row(
        "CSI $ p, CSI ? $ p",
        Rule::Answer,
        "modes; 0 for those that are not known",
        "\x1b[?2026$p",
    ),
    row("CSI ? u", Rule::Answer, "the flags that were granted: 1 at most", "\x1b[?u"),
    row("CSI ? 4 m", Rule::Answer, "modifyOtherKeys", "\x1b[?4m"),
    row(
        "CSI * y",
        Rule::Drop,
        "checksum of the screen: reads what others drew",
        "\x1b[1;1;1;1;1;1*y",
    ),
    row("CSI ' |, CSI ' z", Rule::Drop, "locator", "\x1b['|\x1b[1;2'z"),
    row("ENQ", Rule::Drop, "answerback", "\x05"),
    // Modes and resets.
    row(
        "CSI ? 2026 h",
        Rule::Bound,
        "a frame is held back 150 ms and 2 MiB at most",
        "\x1b[?2026h\x1b[?2026l",
    ),
    row(
        "CSI ? 9, 1001, 1015, 1016 h",
        Rule::Drop,
        "mouse encodings that are not spoken",
        "\x1b[?9h\x1b[?1015h\x1b[?1016h",
    ),
    row(
        "CSI ? h, other known ones",
        Rule::Pass,
        "modes of the pane; lcc sets its own outside and takes them back at the end",
        "\x1b[?1003h\x1b[?2004h",
    ),
    row(
        "ESC c, CSI ! p",
        Rule::Pass,
        "resets the pane, never the outer terminal; the scrollback stays",
        "\x1bc\x1b[!p",
    ),
    row("CSI 3 J", Rule::Drop, "the scrollback belongs to the user", "\x1b[3J"),
    row(
        "CSI 201 ~ inside a paste",
        Rule::Drop,
        "taken out of pasted text, so that nothing after it counts as typed",
        "",
    ),
];

/// The table as a page of the manual.
#[must_use]
pub fn page() -> String {
    let mut text = String::from("| sequence | | how, and why not more |\n|---|---|---|\n");
    for Entry { sequence, rule, why, .. } in TABLE {
        let sequence = sequence.replace('|', "\\|");
        // A String takes whatever is written to it.
        let _ = writeln!(text, "| `{sequence}` | {} | {why} |", rule.word());
    }
    text
}
