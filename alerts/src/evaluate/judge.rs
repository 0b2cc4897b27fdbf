//! From the datapoints of one evaluation range to a state.

use crate::rules::MissingData;
use crate::state::AlarmState;

/// The result for one datapoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Missing,
    Fine,
    Breaching,
}

/// What follows from a window of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Become(AlarmState),
    Keep,
}

/// M of N with a treatment of missing data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge {
    pub needed: usize,
    pub looked_at: usize,
    /// The evaluation range: how many points are retrieved.
    pub range: usize,
    pub missing: MissingData,
}

impl Judge {
    /// Judges the points of the evaluation range, newest first.
    pub(crate) fn judge(&self, newest_first: impl Iterator<Item = Point>) -> Verdict {
        let mut real = 0;
        let mut breaching = 0;
        let mut oldest_breaching = 0;
        for (age, point) in newest_first.take(self.range).enumerate() {
            match point {
                Point::Missing => continue,
                Point::Fine => {}
                Point::Breaching => {
                    breaching += 1;
                    oldest_breaching = age + 1;
                }
            }
            real += 1;
            if real == self.looked_at {
                // Enough real datapoints: the treatment of missing data is not used at all.
                return self.counted(breaching);
            }
        }
        if real == 0 {
            return self.without_data();
        }
        match self.missing {
            MissingData::Breaching => self.counted(breaching + self.looked_at - real),
            MissingData::NotBreaching => self.counted(breaching),
            MissingData::Missing | MissingData::Ignore => self.unfilled(real, breaching, oldest_breaching),
        }
    }

    pub(crate) fn counted(&self, breaching: usize) -> Verdict {
        let state = if breaching >= self.needed { AlarmState::Alarm } else { AlarmState::Ok };
        Verdict::Become(state)
    }

    pub(crate) fn without_data(&self) -> Verdict {
        match self.missing {
            MissingData::Missing => Verdict::Become(AlarmState::InsufficientData),
            MissingData::Ignore => Verdict::Keep,
            MissingData::Breaching => Verdict::Become(AlarmState::Alarm),
            MissingData::NotBreaching => Verdict::Become(AlarmState::Ok),
        }
    }

    /// Decides with fewer than N datapoints and no substitutes for the others.
    ///
    /// If all of them breach, the result depends on the age of the oldest. A lone breaching datapoint that is
    /// the newest may yet be followed by good ones. Once it is M periods old and no good one has come, the
    /// alarm waits no longer ("premature alarm state" in AWS's words). One good datapoint anywhere in the
    /// range settles it as OK, which AWS's table shows with `0 - X - -` for 2 of 3.
    fn unfilled(&self, real: usize, breaching: usize, oldest_breaching: usize) -> Verdict {
        if breaching >= self.needed || real > breaching {
            return self.counted(breaching);
        }
        match (self.missing, oldest_breaching >= self.needed) {
            (MissingData::Ignore, _) => Verdict::Keep,
            (_, true) => Verdict::Become(AlarmState::Alarm),
            (_, false) => Verdict::Become(AlarmState::InsufficientData),
        }
    }
}

/// The last points of one series, judged as they arrive. The cost does not grow with N while data comes
/// without gaps, or not at all.
pub(crate) struct Window {
    judge: Judge,
    ring: Vec<Point>,
    /// Where the next point goes; the oldest one is there now.
    next: usize,
    real_in_range: usize,
    real_in_newest: usize,
    breaching_in_newest: usize,
}

impl Window {
    pub(crate) fn new(judge: Judge) -> Self {
        Self {
            judge,
            ring: vec![Point::Missing; judge.range],
            next: 0,
            real_in_range: 0,
            real_in_newest: 0,
            breaching_in_newest: 0,
        }
    }

    pub(crate) fn push(&mut self, point: Point) {
        let range = self.ring.len();
        let leaving_range = self.ring[self.next];
        self.real_in_range -= usize::from(leaving_range != Point::Missing);
        let mut at = self.next + range - self.judge.looked_at;
        if at >= range {
            at -= range;
        }
        let leaving_newest = self.ring[at];
        self.real_in_newest -= usize::from(leaving_newest != Point::Missing);
        self.breaching_in_newest -= usize::from(leaving_newest == Point::Breaching);
        self.ring[self.next] = point;
        self.real_in_range += usize::from(point != Point::Missing);
        self.real_in_newest += usize::from(point != Point::Missing);
        self.breaching_in_newest += usize::from(point == Point::Breaching);
        self.next += 1;
        if self.next == range {
            self.next = 0;
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.real_in_newest == self.judge.looked_at {
            return self.judge.counted(self.breaching_in_newest);
        }
        if self.real_in_range == 0 {
            return self.judge.without_data();
        }
        let (newer, older) = (&self.ring[..self.next], &self.ring[self.next..]);
        self.judge.judge(newer.iter().rev().chain(older.iter().rev()).copied())
    }
}
