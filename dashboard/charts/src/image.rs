//! Charts as PNG images for notifications, with heading and legend.

use crate::chart::legend;
use crate::draw::{Painter, label};
use crate::ink::{Ink, Pen, palette};
use crate::layout::{Layout, text_width};
use crate::palette::{Colors, DARK, LIGHT, Theme, color, rgba};
use crate::spec::{Chart, Role};
use plotters::backend::BitMapBackend;
use plotters::drawing::{DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, register_font};
use std::sync::Once;
use thiserror::Error;

/// plotters draws lines without smoothing, so each pixel is the mean of a square with this side.
const OVERSAMPLING: u32 = 3;
/// Height of the heading, and of each row of the legend, in view box units.
const HEADING: i32 = 26;
const ROW: i32 = 17;
/// DejaVu Sans' ascent and descent in ems. The rasteriser takes their sum as the font's size.
const LINE_PER_EM: f64 = 1.164;
/// The largest image, in pixels before smoothing: 300 MB.
const MAX_PIXELS: u64 = 100_000_000;

/// Why an image cannot be drawn.
#[derive(Debug, Error)]
pub enum PngError {
    /// The size times the scale exceeds the memory limit.
    #[error("an image of {width} by {height} pixels is too large; choose a smaller size or scale")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The drawing failed.
    #[error("drawing the chart as an image: {0}")]
    Draw(String),
    /// The encoding failed.
    #[error("encoding the image as PNG")]
    Encode(#[from] png::EncodingError),
}

/// Draws a chart as a PNG of [`Chart::size`] times `scale` pixels, plus a header with name and legend.
///
/// # Errors
/// When the image would be too large, or drawing or encoding fails.
pub fn render_png(chart: &Chart, theme: Theme, scale: u32) -> Result<Vec<u8>, PngError> {
    let keys = keys(chart);
    let rows = keys.last().map_or(0, |k| k.row + 1);
    let layout = Layout::of(chart, HEADING + rows * ROW);
    let scale = scale.clamp(1, 8);
    let (width, height) = (layout.size.width * scale, layout.size.height * scale);
    let (fine_width, fine_height) = (width * OVERSAMPLING, height * OVERSAMPLING);
    if u64::from(fine_width) * u64::from(fine_height) > MAX_PIXELS {
        return Err(PngError::TooLarge { width, height });
    }
    fonts();
    let mut fine = vec![0u8; fine_width as usize * fine_height as usize * 3];
    let pen = Pen {
        unit: f64::from(scale * OVERSAMPLING),
        color: match theme {
            Theme::Light => |ink| color(ink, &LIGHT),
            Theme::Dark => |ink| color(ink, &DARK),
        },
        text: LINE_PER_EM,
        dashes: true,
    };
    let colors = match theme {
        Theme::Light => &LIGHT,
        Theme::Dark => &DARK,
    };
    paint(&mut fine, (fine_width, fine_height), (chart, &layout, &keys), pen, colors)
        .map_err(|error| PngError::Draw(error.to_string()))?;
    encode(&shrink(&fine, width, height), width, height)
}

/// The program contains DejaVu Sans, because a server may have no fonts.
fn fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in
            [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())]
        {
            // If the font cannot be read, drawing the first text returns an error.
            let _ = register_font("sans-serif", style, bytes);
        }
    });
}

type Failure<'a> = DrawingAreaErrorKind<<BitMapBackend<'a> as plotters::backend::DrawingBackend>::ErrorType>;

/// An entry of the legend with its position.
struct Key {
    row: i32,
    x: f64,
    ink: Ink,
    text: String,
}

/// The legend in as many rows as it needs.
fn keys(chart: &Chart) -> Vec<Key> {
    let (mut x, mut row) = (10.0, 0);
    let mut keys = Vec::new();
    for (item, series) in legend(chart).into_iter().zip(&chart.series) {
        let (ink, text) = match (series.role, item.latest) {
            (Role::Current, Some(latest)) => {
                (Ink::Bar(palette(series.color)), format!("{} {latest}", item.name))
            }
            (Role::Current, None) => (Ink::Bar(palette(series.color)), item.name),
            (Role::Earlier, _) => (Ink::Earlier(palette(series.color)), item.name),
        };
        let width = 16.0 + text_width(&text);
        if x > 10.0 && x + width > f64::from(chart.size.width) - 8.0 {
            (x, row) = (10.0, row + 1);
        }
        keys.push(Key { row, x, ink, text });
        x += width + 14.0;
    }
    keys
}

fn paint<'a>(
    buffer: &'a mut [u8],
    size: (u32, u32),
    (chart, layout, keys): (&Chart, &Layout, &[Key]),
    pen: Pen,
    colors: &Colors,
) -> Result<(), Failure<'a>> {
    let root = BitMapBackend::with_buffer(buffer, size).into_drawing_area();
    root.fill(&rgba(colors.surface, 1.0))?;
    root.draw(&label(&pen, &chart.name, Ink::Title, (10.0, 9.0), HPos::Left, VPos::Top))?;
    for key in keys {
        let middle = f64::from(HEADING + ROW * key.row) + 9.0;
        let px = |x: f64, y: f64| (pen.px(x), pen.px(y));
        let swatch = [px(key.x, middle - 1.5), px(key.x + 12.0, middle + 1.5)];
        root.draw(&Rectangle::new(swatch, pen.fill(key.ink)))?;
        root.draw(&label(&pen, &key.text, Ink::Label, (key.x + 16.0, middle), HPos::Left, VPos::Center))?;
    }
    Painter { root: &root, chart, layout, pen }.draw()
}

/// The mean of each square of pixels.
fn shrink(fine: &[u8], width: u32, height: u32) -> Vec<u8> {
    let (width, height, by) = (width as usize, height as usize, OVERSAMPLING as usize);
    let row = width * by * 3;
    let mut image = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let square = (0..by * by).map(|i| {
                    let at = (y * by + i / by) * row + (x * by + i % by) * 3 + channel;
                    u32::from(fine.get(at).copied().unwrap_or(0))
                });
                image.push((square.sum::<u32>() / (by * by) as u32) as u8);
            }
        }
    }
    image
}

fn encode(image: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PngError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Series, Size, Unit};

    fn chart() -> Chart {
        let mut chart = Chart::new("Queue depth", Unit::Count, 0, 600, 60);
        chart.kind = Kind::Bars;
        chart.series = vec![Series::new("visible", 1, vec![Some(10.0); 10])];
        chart
    }

    fn decoded(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        (info.width, info.height, pixels)
    }

    #[test]
    fn an_image_has_the_given_size_and_the_colours_of_its_theme() {
        for (theme, colors) in [(Theme::Light, &LIGHT), (Theme::Dark, &DARK)] {
            let (width, height, pixels) = decoded(&render_png(&chart(), theme, 2).expect("an image"));
            assert_eq!((width, height), (800, 406), "with a heading and one row of legend");
            let count = |color: u32| {
                let [_, r, g, b] = color.to_be_bytes();
                pixels.chunks(3).filter(|p| **p == [r, g, b]).count()
            };
            assert!(count(colors.surface) > 100_000);
            assert!(count(colors.series[0]) > 50_000, "ten bars fill most of the plot");
            assert!(count(colors.label) > 20, "there is text");
        }
    }

    #[test]
    fn an_image_too_large_for_memory_is_refused() {
        let chart = Chart { size: Size { width: 9000, height: 9000 }, ..chart() };
        let error = render_png(&chart, Theme::Light, 4).expect_err("refused");
        assert!(matches!(error, PngError::TooLarge { .. }), "{error}");
    }
}
