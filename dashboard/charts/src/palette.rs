//! Colours for images, which have no style sheet. A test compares them with `chart.css`.

#[cfg(feature = "png")]
use crate::{ink::Ink, spec::Tier};
#[cfg(feature = "png")]
use plotters::style::RGBAColor;

/// The theme of an image.
#[cfg(feature = "png")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on near black.
    Dark,
}

/// The colours of one theme, as `0xRRGGBB`.
pub(crate) struct Colors {
    pub surface: u32,
    pub series: [u32; 8],
    pub grid: u32,
    pub axis: u32,
    pub label: u32,
    pub high: u32,
    pub low: u32,
}

pub(crate) const LIGHT: Colors = Colors {
    surface: 0xff_ffff,
    series: [0x00_72b2, 0xa8_508a, 0x00_8a65, 0xa8_6a00, 0x3d_6fd6, 0x80_7400, 0xc2_5200, 0x66_707a],
    grid: 0xe6_e9ec,
    axis: 0x8b_949d,
    label: 0x56_606a,
    high: 0xc6_2828,
    low: 0x9a_6700,
};

pub(crate) const DARK: Colors = Colors {
    surface: 0x14_181d,
    series: [0x56_b4e9, 0xd9_8cb8, 0x1f_bf92, 0xe6_9f00, 0x8f_9dff, 0xd9_cf4a, 0xf0_803c, 0x9a_a5b1],
    grid: 0x27_2d34,
    axis: 0x6b_7580,
    label: 0xa3_adb8,
    high: 0xff_7b72,
    low: 0xe3_b341,
};

/// A colour and its opacity.
#[cfg(feature = "png")]
pub(crate) fn rgba(color: u32, opacity: f64) -> RGBAColor {
    let [_, r, g, b] = color.to_be_bytes();
    RGBAColor(r, g, b, opacity)
}

/// The style of each ink in the style sheet.
#[cfg(feature = "png")]
pub(crate) fn color(ink: Ink, colors: &Colors) -> RGBAColor {
    let tier = |t| if t == Tier::High { colors.high } else { colors.low };
    let series = |n: u8| colors.series[usize::from(n.wrapping_sub(1)) % colors.series.len()];
    match ink {
        Ink::Grid => rgba(colors.grid, 1.0),
        Ink::Axis => rgba(colors.axis, 1.0),
        Ink::Label | Ink::Empty | Ink::Deployment | Ink::Title => rgba(colors.label, 1.0),
        Ink::DeploymentLine => rgba(colors.axis, 0.45),
        Ink::AlarmShade(t) => rgba(tier(t), 0.11),
        Ink::AlarmEdge(t) | Ink::Threshold(t) | Ink::ThresholdLabel(t) => rgba(tier(t), 1.0),
        Ink::Line(n) | Ink::Bar(n) | Ink::Dot(n) => rgba(series(n), 1.0),
        Ink::Earlier(n) => rgba(series(n), 0.75),
        Ink::Area(n) => rgba(series(n), 0.14),
        Ink::Stack(n) => rgba(series(n), 0.4),
        Ink::Count(strong) => rgba(if strong { colors.low } else { series(1) }, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CSS;

    /// The light and the dark value of a custom property.
    fn declared(name: &str) -> (u32, u32) {
        let start = CSS.find(&format!("--chart-{name}: light-dark(#")).expect("declared in chart.css");
        let hex: Vec<u32> = CSS[start..]
            .split('#')
            .skip(1)
            .take(2)
            .map(|part| u32::from_str_radix(&part[..6], 16).expect("six hexadecimal digits"))
            .collect();
        (hex[0], hex[1])
    }

    fn linear(color: u32) -> [f64; 3] {
        let [_, r, g, b] = color.to_be_bytes();
        [r, g, b].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// WCAG 2's contrast ratio.
    fn contrast(a: u32, b: u32) -> f64 {
        let luminance = |c: u32| {
            let [r, g, b] = linear(c);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn the_style_sheet_has_the_same_colours() {
        for (i, (light, dark)) in LIGHT.series.into_iter().zip(DARK.series).enumerate() {
            assert_eq!(declared(&format!("s{}", i + 1)), (light, dark));
        }
        for (name, light, dark) in [
            ("surface", LIGHT.surface, DARK.surface),
            ("grid", LIGHT.grid, DARK.grid),
            ("axis", LIGHT.axis, DARK.axis),
            ("label", LIGHT.label, DARK.label),
            ("high", LIGHT.high, DARK.high),
            ("low", LIGHT.low, DARK.low),
        ] {
            assert_eq!(declared(name), (light, dark), "--chart-{name}");
        }
    }

    #[test]
    fn every_ink_is_visible_in_both_themes() {
        for theme in [&LIGHT, &DARK] {
            // WCAG 2.2 AA: 3 : 1 for graphics, 4.5 : 1 for text this small.
            for color in theme.series.into_iter().chain([theme.axis]) {
                assert!(
                    contrast(color, theme.surface) >= 3.0,
                    "{color:06x}: {:.2}",
                    contrast(color, theme.surface)
                );
            }
            for color in [theme.label, theme.high, theme.low] {
                assert!(
                    contrast(color, theme.surface) >= 4.5,
                    "{color:06x}: {:.2}",
                    contrast(color, theme.surface)
                );
            }
        }
    }

    /// A colour as colour-blind readers see it, after Viénot, Brettel and Mollon (1999), in CIE Lab.
    fn seen(color: u32, matrix: [[f64; 3]; 3]) -> [f64; 3] {
        let rgb = linear(color);
        let row = |m: [f64; 3]| (m[0] * rgb[0] + m[1] * rgb[1] + m[2] * rgb[2]).clamp(0.0, 1.0);
        let [r, g, b] = matrix.map(row);
        let xyz = [
            (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
            0.2126 * r + 0.7152 * g + 0.0722 * b,
            (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
        ];
        let [x, y, z] = xyz.map(|t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn the_first_four_series_differ_for_colour_blind_readers() {
        const NORMAL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        const PROTAN: [[f64; 3]; 3] = [[0.112, 0.888, 0.0], [0.112, 0.888, 0.0], [0.004, -0.004, 1.0]];
        const DEUTAN: [[f64; 3]; 3] = [[0.293, 0.707, 0.0], [0.293, 0.707, 0.0], [-0.021, 0.021, 1.0]];
        for theme in [&LIGHT, &DARK] {
            for (name, eyes) in [("normal", NORMAL), ("protan", PROTAN), ("deutan", DEUTAN)] {
                for a in 0..4 {
                    for b in a + 1..4 {
                        let (x, y) = (seen(theme.series[a], eyes), seen(theme.series[b], eyes));
                        let far =
                            ((x[0] - y[0]).powi(2) + (x[1] - y[1]).powi(2) + (x[2] - y[2]).powi(2)).sqrt();
                        assert!(far >= 12.0, "s{} and s{} to {name} eyes: {far:.1}", a + 1, b + 1);
                    }
                }
            }
        }
    }
}
