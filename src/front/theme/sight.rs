//! How far two colours are apart for eyes that lack one kind of cone; for the tests of themes.

use ratatui::style::Color;

use super::colour::rgb;

/// Which cones are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// None.
    Full,
    /// Those for long waves (red).
    Protanopia,
    /// Those for middle waves (green).
    Deuteranopia,
    /// Those for short waves (blue).
    Tritanopia,
}

pub(super) const KINDS: [Sight; 4] =
    [Sight::Full, Sight::Protanopia, Sight::Deuteranopia, Sight::Tritanopia];

/// What linear red, green and blue become: Machado, Oliveira and Fernandes, "A
/// Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.
const fn matrix(sight: Sight) -> [[f64; 3]; 3] {
    match sight {
        Sight::Full => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        Sight::Protanopia => [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        Sight::Deuteranopia => [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        Sight::Tritanopia => [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    }
}

/// CIE 1976 colour difference (2 is just seen, 20 cannot be mistaken); `None` when a colour is
/// the terminal's default.
pub(super) fn difference(a: Color, b: Color, sight: Sight) -> Option<f64> {
    let (a, b) = (lab(a, sight)?, lab(b, sight)?);
    Some(a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt())
}

fn lab(colour: Color, sight: Sight) -> Option<[f64; 3]> {
    let (r, g, b) = rgb(colour)?;
    let linear = [r, g, b].map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let seen = matrix(sight)
        .map(|row| row.iter().zip(linear).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0));
    let [r, g, b] = seen;
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let [x, y, z] = [x, y, z].map(|t: f64| {
        if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
    });
    Some([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)])
}

#[test]
fn red_and_green_are_one_without_green_cones() {
    let (red, green) = (Color::Rgb(0xff, 0x7a, 0x70), Color::Rgb(0x98, 0xbb, 0x6c));
    assert!(difference(red, green, Sight::Full).unwrap() > 50.0);
    assert!(difference(red, green, Sight::Deuteranopia).unwrap() < 5.0);
    let ends = difference(Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255), Sight::Full).unwrap();
    assert!((ends - 100.0).abs() < 0.1, "{ends}");
}
