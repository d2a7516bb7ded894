//! The themes that come with lcc, and the user's own beside them.

use super::{Theme, ThemeError, parse};

/// File name and text of each theme that is built in; the first is the default.
const FILES: [(&str, &str); 8] = [
    ("dark.toml", include_str!("../../../themes/dark.toml")),
    ("light.toml", include_str!("../../../themes/light.toml")),
    ("high-contrast.toml", include_str!("../../../themes/high-contrast.toml")),
    ("high-contrast-light.toml", include_str!("../../../themes/high-contrast-light.toml")),
    ("colourblind-dark.toml", include_str!("../../../themes/colourblind-dark.toml")),
    ("colourblind-light.toml", include_str!("../../../themes/colourblind-light.toml")),
    ("dusk.toml", include_str!("../../../themes/dusk.toml")),
    ("ansi16.toml", include_str!("../../../themes/ansi16.toml")),
];

/// The themes that come with lcc.
#[must_use]
pub fn builtin() -> Vec<Theme> {
    FILES.iter().filter_map(|(file, text)| parse(file, text).ok()).collect()
}

/// The built-in themes and the user's, given as (file, text). A user's theme takes the place of
/// the one with the same name. Files that cannot be read as themes are told, not passed over.
#[must_use]
pub fn load(user: &[(String, String)]) -> (Vec<Theme>, Vec<ThemeError>) {
    let mut themes = builtin();
    let mut errors = Vec::new();
    for (file, text) in user {
        match parse(file, text) {
            Ok(theme) => match themes.iter_mut().find(|known| known.name() == theme.name()) {
                Some(known) => *known = theme,
                None => themes.push(theme),
            },
            Err(error) => errors.push(error),
        }
    }
    (themes, errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::theme::{Role, contrast};

    #[test]
    fn every_built_in_theme_parses() {
        for (file, text) in FILES {
            let theme = parse(file, text).unwrap();
            assert_eq!(format!("{}.toml", theme.name()), file);
        }
        assert_eq!(builtin().len(), FILES.len());
    }

    /// Roles of text; bars and frames carry nothing that is not written beside them.
    const TEXTS: [Role; 10] = [
        Role::Text,
        Role::Dim,
        Role::Accent,
        Role::Warn,
        Role::Alert,
        Role::Good,
        Role::Title,
        Role::Source,
        Role::Key,
        Role::Selected,
    ];

    #[test]
    fn high_contrast_is_at_least_seven_to_one() {
        for name in ["high-contrast", "high-contrast-light"] {
            let theme = builtin().into_iter().find(|t| t.name() == name).unwrap();
            for role in TEXTS {
                let style = theme.style(role);
                let ratio = contrast(style.fg.unwrap(), style.bg.unwrap()).unwrap();
                assert!(ratio >= 7.0, "{name} {}: {ratio:.2}", role.key());
            }
        }
    }

    #[test]
    fn every_text_is_readable_on_its_usual_ground() {
        use ratatui::style::Color;
        // The palette of the sixteen colours is the terminal's own.
        for theme in builtin().into_iter().filter(|theme| theme.name() != "ansi16") {
            let usual =
                if theme.is_light() { Color::Rgb(255, 255, 255) } else { Color::Rgb(24, 24, 28) };
            for role in TEXTS {
                let style = theme.style(role);
                let ground = style.bg.unwrap_or(usual);
                let ratio = contrast(style.fg.unwrap(), ground).unwrap();
                assert!(ratio >= 4.5, "{} {}: {ratio:.2}", theme.name(), role.key());
            }
        }
    }

    #[test]
    fn the_colour_blind_tell_what_matters_apart() {
        use super::super::sight::{KINDS, difference};
        let matters = [Role::Accent, Role::Warn, Role::Alert, Role::Good];
        for theme in builtin().into_iter().filter(|t| t.name().starts_with("colourblind")) {
            for (at, one) in matters.iter().enumerate() {
                for other in &matters[at + 1..] {
                    let colour = |role: Role| theme.style(role).fg.unwrap();
                    for kind in KINDS {
                        let apart = difference(colour(*one), colour(*other), kind).unwrap();
                        let pair = format!("{} and {}", one.key(), other.key());
                        assert!(apart >= 20.0, "{}: {pair}: {apart:.0} {kind:?}", theme.name());
                    }
                }
            }
        }
    }

    #[test]
    fn errors_name_file_line_and_key() {
        let (_, dark) = FILES[0];
        for (text, line, key) in [
            ("name = 3\n[roles]\n".to_owned(), 1, "name"),
            ("name = \"x\"\n".to_owned(), 1, "roles"),
            ("name = \"x\"\nshadow = \"#000000\"\n".to_owned(), 2, "shadow"),
            ("name = \"x\"\n[roles]\ntext = \"blueish\"\n".to_owned(), 3, "roles.text"),
            ("name = \"x\"\n[roles]\n\ntexts = \"blue\"\n".to_owned(), 4, "roles.texts"),
            (
                "name = \"x\"\n[roles]\nwarn = { fg = \"red\", loud = true }\n".into(),
                3,
                "roles.warn.loud",
            ),
            ("name = \"x\"\n[roles]\nwarn = { bold = 1 }\n".to_owned(), 3, "roles.warn.bold"),
            ("name = \"x\n".to_owned(), 1, "theme"),
            (dark.replace("warn =", "# warn ="), 1, "roles.warn"),
        ] {
            let error = parse("my.toml", &text).unwrap_err();
            assert_eq!((error.line, error.key.as_str()), (line, key), "{error}");
            assert!(error.to_string().starts_with("my.toml:"), "{error}");
        }
    }

    #[test]
    fn a_users_theme_replaces_its_namesake_and_a_bad_one_is_told() {
        let (_, dark) = FILES[0];
        let user = vec![
            ("dark.toml".to_owned(), dark.replace("dim = ", "dim = \"red\" # ")),
            ("mine.toml".to_owned(), dark.replace("\"dark\"", "\"mine\"")),
            ("bad.toml".to_owned(), "name = ".to_owned()),
        ];
        let (themes, errors) = load(&user);
        assert_eq!(themes.len(), FILES.len() + 1);
        assert_eq!(themes[0].style(Role::Dim).fg, Some(ratatui::style::Color::Red));
        assert_eq!(errors.len(), 1);
    }
}
