//! The themes that come with lcc, and the user's own beside them.

use super::{Theme, ThemeError, parse};

/// File name and text of each theme that is built in; the first is the default.
const FILES: [(&str, &str); 4] = [
    ("dark.toml", include_str!("../../../themes/dark.toml")),
    ("light.toml", include_str!("../../../themes/light.toml")),
    ("high-contrast.toml", include_str!("../../../themes/high-contrast.toml")),
    ("ansi16.toml", include_str!("../../../themes/ansi16.toml")),
];

/// The themes that come with lcc: dark, light, high-contrast, ansi16.
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

    #[test]
    fn high_contrast_is_at_least_seven_to_one() {
        let theme = builtin().into_iter().find(|t| t.name() == "high-contrast").unwrap();
        for role in Role::ALL {
            let style = theme.style(role);
            let ratio = contrast(style.fg.unwrap(), style.bg.unwrap()).unwrap();
            assert!(ratio >= 7.0, "{}: {ratio:.2}", role.key());
        }
    }

    #[test]
    fn text_of_dark_and_light_is_readable_on_its_usual_ground() {
        use ratatui::style::Color;
        for (name, ground) in
            [("dark", Color::Rgb(24, 24, 28)), ("light", Color::Rgb(255, 255, 255))]
        {
            let theme = builtin().into_iter().find(|t| t.name() == name).unwrap();
            for role in [Role::Text, Role::Dim, Role::Accent, Role::Warn, Role::Alert, Role::Good] {
                let ratio = contrast(theme.style(role).fg.unwrap(), ground).unwrap();
                assert!(ratio >= 4.5, "{name} {}: {ratio:.2}", role.key());
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
