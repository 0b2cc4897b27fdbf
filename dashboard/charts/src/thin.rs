//! Reduces points on a time grid to what lines or bars of a given width can show.

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

/// A bar of a stacked chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bar {
    /// The first period that it covers.
    pub first: usize,
    /// The period after the last one.
    pub past: usize,
    /// The period whose values it shows, in every layer.
    pub shown: usize,
}

/// The bars of stacked series whose sums are `totals`, in time order.
///
/// If a period is narrower than two pixels, a bar covers several and shows the one with the highest total. All layers
/// show the same period: layers of different periods would cover each other.
pub(crate) fn bars(totals: &[Option<f64>], grid: Grid) -> Vec<Bar> {
    let group = (2.0 * grid.per_pixel()).ceil().max(1.0) as usize;
    let visible = grid.visible(totals.len());
    let height = |index: &usize| totals.get(*index).copied().flatten().map(f64::abs);
    let bar = |first: usize| {
        let members = first..first.saturating_add(group).min(visible.end);
        let highest = |a: &usize, b: &usize| height(a).unwrap_or(0.0).total_cmp(&height(b).unwrap_or(0.0));
        let shown = members.filter(|index| height(index).is_some()).max_by(highest)?;
        Some(Bar { first, past: first.saturating_add(group), shown })
    };
    visible.clone().step_by(group).filter_map(bar).collect()
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
    fn a_narrow_bar_shows_its_period_with_the_highest_total() {
        let totals = [Some(1.0), Some(9.0), None, Some(2.0), None, None, Some(4.0)];
        let bar = |first, past, shown| Bar { first, past, shown };
        assert_eq!(bars(&totals, grid(7, 14.0)).len(), 4, "a bar for each period with data");
        assert_eq!(bars(&totals, grid(7, 7.0)), [bar(0, 2, 1), bar(2, 4, 3), bar(6, 8, 6)]);
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
