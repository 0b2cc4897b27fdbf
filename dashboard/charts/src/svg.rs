//! A plotters backend that writes SVG with classes in place of colours.
//!
//! So the page's style sheet themes the charts, and the content security policy needs no inline styles. plotters uses
//! whole pixels. This backend gives it a canvas with ten times the resolution and writes tenths, so that lines are
//! smooth on dense screens.

use crate::ink::{Ink, Pen};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;
use std::fmt::Write;

/// Canvas pixels in one unit of the view box.
const FINE: i32 = 10;

/// The pen for this backend.
pub(crate) const PEN: Pen = Pen { unit: FINE as f64, color: Ink::as_color, text: 1.0, dashes: false };

type Result = std::result::Result<(), DrawingErrorKind<Infallible>>;

/// Writes elements to `out`. Consecutive shapes of one ink share a `path` element.
pub(crate) struct SvgBackend<'a> {
    out: &'a mut String,
    size: (u32, u32),
    open: Option<Ink>,
}

impl<'a> SvgBackend<'a> {
    /// A canvas of `width` × `height` view box units.
    pub(crate) fn new(out: &'a mut String, width: u32, height: u32) -> Self {
        Self { out, size: (width * FINE as u32, height * FINE as u32), open: None }
    }

    fn path(&mut self, ink: Ink) {
        if self.open == Some(ink) {
            return;
        }
        self.close();
        self.out.push_str("<path class=\"");
        self.class(ink);
        self.out.push_str("\" d=\"");
        self.open = Some(ink);
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.out.push_str("\"/>");
        }
    }

    fn class(&mut self, ink: Ink) {
        self.out.push_str(ink.class());
        if let Some(n) = ink.series() {
            let _ = write!(self.out, " s{n}");
        }
    }

    /// A polyline with an absolute start and relative steps, which is a third shorter than absolute points.
    fn polyline(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        let mut last: Option<BackendCoord> = None;
        for (x, y) in points {
            match last {
                None => {
                    self.out.push('M');
                    self.pair(x, y);
                }
                Some(before) if before == (x, y) => continue,
                Some((x0, y0)) if y == y0 => {
                    self.out.push('h');
                    self.number(x - x0);
                }
                Some((x0, y0)) if x == x0 => {
                    self.out.push('v');
                    self.number(y - y0);
                }
                Some((x0, y0)) => {
                    self.out.push('l');
                    self.pair(x - x0, y - y0);
                }
            }
            last = Some((x, y));
        }
    }

    fn pair(&mut self, x: i32, y: i32) {
        self.number(x);
        if y >= 0 {
            self.out.push(' ');
        }
        self.number(y);
    }

    fn number(&mut self, tenths: i32) {
        write_tenths(self.out, tenths);
    }
}

fn write_tenths(out: &mut String, tenths: i32) {
    if tenths < 0 {
        out.push('-');
    }
    let (whole, rest) = (tenths.unsigned_abs() / FINE as u32, tenths.unsigned_abs() % FINE as u32);
    // SVG allows ".5", which is shorter than "0.5".
    if whole > 0 || rest == 0 {
        let _ = write!(out, "{whole}");
    }
    if rest > 0 {
        let _ = write!(out, ".{rest}");
    }
}

impl DrawingBackend for SvgBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result {
        Ok(())
    }

    fn present(&mut self) -> Result {
        self.close();
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Result {
        self.draw_rect(point, (point.0 + FINE, point.1 + FINE), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Result {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        _fill: bool,
    ) -> Result {
        self.path(Ink::from_color(style.color()));
        self.polyline([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]);
        self.out.push('z');
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result {
        self.path(Ink::from_color(style.color()));
        self.polyline(path);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Result {
        self.path(Ink::from_color(style.color()));
        self.polyline(vert);
        self.out.push('z');
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Result {
        self.close();
        self.out.push_str("<circle class=\"");
        self.class(Ink::from_color(style.color()));
        self.out.push('"');
        for (name, value) in [(" cx=\"", x), (" cy=\"", y), (" r=\"", radius as i32)] {
            self.out.push_str(name);
            self.number(value);
            self.out.push('"');
        }
        self.out.push_str("/>");
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Result {
        self.close();
        let anchor = style.anchor();
        self.out.push_str("<text class=\"");
        self.class(Ink::from_color(style.color()));
        self.out.push_str("\" x=\"");
        self.number(x);
        self.out.push_str("\" y=\"");
        self.number(y);
        self.out.push('"');
        self.out.push_str(match anchor.h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        });
        self.out.push_str(match anchor.v_pos {
            VPos::Top => " dy=\".75em\"",
            VPos::Center => " dy=\".35em\"",
            VPos::Bottom => "",
        });
        self.out.push('>');
        escape(self.out, text);
        self.out.push_str("</text>");
        Ok(())
    }
}

/// Appends `text` as XML character data that is safe in attributes too. Characters that XML 1.0 forbids become U+FFFD.
pub(crate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Opens an `svg` element that scales. Its name, if any, becomes its label.
pub(crate) fn open(out: &mut String, class: &str, (width, height): (u32, u32), name: &str, summary: &str) {
    let _ = write!(out, "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\"");
    if name.is_empty() {
        out.push_str(" aria-hidden=\"true\">");
        return;
    }
    out.push_str(" role=\"img\"><title>");
    escape(out, name);
    out.push_str("</title>");
    if !summary.is_empty() {
        out.push_str("<desc>");
        escape(out, summary);
        out.push_str("</desc>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let mut out = String::new();
        for tenths in [0, 5, -5, 10, 123, -120] {
            write_tenths(&mut out, tenths);
            out.push(' ');
        }
        assert_eq!(out, "0 .5 -.5 1 12.3 -12 ");
    }

    #[test]
    fn consecutive_shapes_of_one_ink_are_one_element() {
        let mut out = String::new();
        let mut backend = SvgBackend::new(&mut out, 10, 10);
        let ink = |ink: Ink| BackendColor { alpha: 1.0, rgb: (0, ink.as_color().1, ink.as_color().2) };
        let drawn = backend
            .draw_line((0, 5), (100, 5), &ink(Ink::Grid))
            .and_then(|()| backend.draw_line((0, 25), (100, 20), &ink(Ink::Grid)))
            .and_then(|()| backend.draw_rect((0, 0), (10, 15), &ink(Ink::Bar(3)), true))
            .and_then(|()| backend.present());
        assert!(drawn.is_ok());
        assert_eq!(
            out,
            r#"<path class="grid" d="M0 .5h10M0 2.5l10-.5"/><path class="bar s3" d="M0 0h1v1.5h-1z"/>"#
        );
    }

    #[test]
    fn text_is_escaped() {
        let mut out = String::new();
        escape(&mut out, "<b>&\"'\0\u{ffff}\n");
        assert_eq!(out, "&lt;b&gt;&amp;&quot;&#39;\u{fffd}\u{fffd} ");
    }
}
