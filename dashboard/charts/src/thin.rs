//! Reduces points on a time grid to what a line of a given width can show.

/// Points of a line: (seconds since the left edge, value).
pub(crate) type Run = Vec<(f64, f64)>;

/// The chart's grid relative to its range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Seconds from the range's left edge to the first point; negative if the point is before it.
    pub offset: f64,
    /// Seconds between points.
    pub step: f64,
    /// Length of the range in seconds.
    pub span: f64,
    /// Pixels across the range.
    pub width: f64,
}

impl Grid {
    /// The position of point `index`, in seconds since the left edge.
    pub(crate) fn x(self, index: usize) -> f64 {
        self.offset + index as f64 * self.step
    }

    /// The indices below `len` whose points are in the range.
    pub(crate) fn visible(self, len: usize) -> std::ops::Range<usize> {
        let first = (-self.offset / self.step).ceil().max(0.0) as usize;
        let past = ((self.span - self.offset) / self.step + 1.0).floor().max(0.0) as usize;
        first.min(len)..past.clamp(first.min(len), len)
    }

    /// How many points share a pixel.
    fn per_pixel(self) -> f64 {
        self.span / self.width / self.step
    }

    fn column(self, index: usize) -> u32 {
        (self.x(index) / self.span * self.width) as u32
    }
}

/// The visible points as runs without gaps, in time order.
///
/// With more points than pixels, each pixel column keeps its lowest and highest value, so that a spike of one period
/// never disappears. A gap appears only if it fills a column.
pub(crate) fn runs(points: &[Option<f64>], grid: Grid) -> Vec<Run> {
    let visible = grid.visible(points.len());
    let dense = grid.per_pixel() > 1.0;
    let mut runs = Vec::new();
    let mut run = Run::new();
    let mut column: Option<Column> = None;
    for index in visible {
        let value = points.get(index).copied().flatten();
        if !dense {
            match value {
                Some(value) => run.push((grid.x(index), value)),
                None => end(&mut run, &mut runs),
            }
            continue;
        }
        let Some(value) = value else { continue };
        let at = grid.column(index);
        match &mut column {
            Some(open) if open.at == at => open.take(grid.x(index), value),
            other => {
                if let Some(full) = other.take() {
                    full.flush(&mut run);
                    if at > full.at + 1 {
                        end(&mut run, &mut runs);
                    }
                }
                *other = Some(Column { at, low: (grid.x(index), value), high: (grid.x(index), value) });
            }
        }
    }
    if let Some(last) = column {
        last.flush(&mut run);
    }
    end(&mut run, &mut runs);
    runs
}

fn end(run: &mut Run, runs: &mut Vec<Run>) {
    if !run.is_empty() {
        runs.push(std::mem::take(run));
    }
}

/// The extremes of one pixel column.
struct Column {
    at: u32,
    low: (f64, f64),
    high: (f64, f64),
}

impl Column {
    fn take(&mut self, x: f64, value: f64) {
        if value < self.low.1 {
            self.low = (x, value);
        }
        if value > self.high.1 {
            self.high = (x, value);
        }
    }

    fn flush(&self, run: &mut Run) {
        let (first, second) =
            if self.low.0 <= self.high.0 { (self.low, self.high) } else { (self.high, self.low) };
        run.push(first);
        if second.0 > first.0 {
            run.push(second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(points: usize, width: f64) -> Grid {
        Grid { offset: 0.0, step: 60.0, span: 60.0 * points as f64, width }
    }

    #[test]
    fn a_gap_ends_a_run() {
        let points = [Some(1.0), Some(2.0), None, Some(3.0), None];
        assert_eq!(runs(&points, grid(5, 300.0)), [vec![(0.0, 1.0), (60.0, 2.0)], vec![(180.0, 3.0)]]);
    }

    #[test]
    fn dense_points_are_thinned_to_two_a_pixel_and_no_spike_is_lost() {
        let mut points: Vec<_> = (0..10_000).map(|i| Some(f64::from(i % 7))).collect();
        points[4321] = Some(900.0);
        points[8765] = Some(-900.0);
        let runs = runs(&points, grid(10_000, 300.0));
        assert_eq!(runs.len(), 1);
        assert!(runs[0].len() <= 602, "{}", runs[0].len());
        assert!(runs[0].contains(&(4321.0 * 60.0, 900.0)));
        assert!(runs[0].contains(&(8765.0 * 60.0, -900.0)));
        assert!(runs[0].is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_dense_gap_shows_once_it_fills_a_column() {
        let mut points = vec![Some(1.0); 3000];
        points[100] = None;
        points[1000..1100].fill(None);
        assert_eq!(runs(&points, grid(3000, 300.0)).len(), 2);
    }

    #[test]
    fn points_outside_the_range_are_left_out() {
        let points = vec![Some(1.0); 10];
        let grid = Grid { offset: -120.0, step: 60.0, span: 180.0, width: 100.0 };
        assert_eq!(runs(&points, grid), [vec![(0.0, 1.0), (60.0, 1.0), (120.0, 1.0), (180.0, 1.0)]]);
        assert_eq!(grid.visible(1), 1..1);
        assert!(runs(&points, Grid { offset: 500.0, ..grid }).is_empty());
    }
}
