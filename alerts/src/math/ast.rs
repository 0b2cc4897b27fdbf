//! The syntax tree of an expression.

/// What an expression yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Series,
    Array,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Number(f64),
    /// A metric by its index among the rule's metrics.
    Metric(usize),
    Negate(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    /// `[m1, m2]`, and the expansion of `METRICS()`.
    Array(Vec<Expr>),
    /// `FILL(m, …)`.
    Fill(Box<Expr>, Filler),
}

/// What `FILL` puts into a gap.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filler {
    With(Box<Expr>),
    Repeat,
    Linear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    And,
    Or,
}

impl Operator {
    pub(crate) fn apply(self, left: f64, right: f64) -> f64 {
        let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
        let value = match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Power => left.powf(right),
            Self::Equal => truth(left == right),
            Self::NotEqual => truth(left != right),
            Self::LessOrEqual => truth(left <= right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::Less => truth(left < right),
            Self::Greater => truth(left > right),
            Self::And => truth(left != 0.0 && right != 0.0),
            Self::Or => truth(left != 0.0 || right != 0.0),
        };
        if value.is_finite() { value } else { f64::NAN }
    }

    /// How tightly it binds, left and right, from loosest to tightest.
    pub(crate) fn binding(self) -> (u8, u8) {
        match self {
            Self::Or => (1, 2),
            Self::And => (3, 4),
            Self::Equal | Self::NotEqual => (5, 6),
            Self::LessOrEqual | Self::GreaterOrEqual | Self::Less | Self::Greater => (7, 8),
            Self::Add | Self::Subtract => (9, 10),
            Self::Multiply | Self::Divide => (11, 12),
            // Right associative: 2^3^2 is 2^9.
            Self::Power => (16, 15),
        }
    }
}

/// Unary minus: tighter than `*`, looser than `^`, so that -2^2 is -4.
pub(crate) const NEGATE_BINDING: u8 = 13;

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $least:literal..=$most:literal;)*) => {
        /// A function of metric math.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Function { $($(#[$doc])* $variant,)* }

        impl Function {
            /// Every function that is understood.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As it is written, in upper case.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The fewest and the most arguments it takes.
            pub fn arguments(self) -> (usize, usize) {
                match self { $(Self::$variant => ($least, $most),)* }
            }

            pub(crate) fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

functions! {
    /// Absolute value.
    Abs = "ABS", 1..=1;
    /// Average: of a series a number, of an array a series. Missing values count as 0.
    Avg = "AVG", 1..=1;
    /// Next whole number up.
    Ceil = "CEIL", 1..=1;
    /// How many datapoints there are.
    DatapointCount = "DATAPOINT_COUNT", 1..=1;
    /// Difference to the datapoint before.
    Diff = "DIFF", 1..=1;
    /// Seconds since the datapoint before.
    DiffTime = "DIFF_TIME", 1..=1;
    /// Puts values into gaps.
    Fill = "FILL", 2..=2;
    /// First series of an array.
    First = "FIRST", 1..=1;
    /// Last series of an array.
    Last = "LAST", 1..=1;
    /// Next whole number down.
    Floor = "FLOOR", 1..=1;
    /// Chooses by condition, datapoint by datapoint.
    If = "IF", 2..=3;
    /// Natural logarithm.
    Log = "LOG", 1..=1;
    /// Logarithm to the base 10.
    Log10 = "LOG10", 1..=1;
    /// Largest: of a series a number, of an array a series.
    Max = "MAX", 1..=1;
    /// How many series an array has.
    MetricCount = "METRIC_COUNT", 1..=1;
    /// All metrics of the rule, or those whose id contains a string.
    Metrics = "METRICS", 0..=1;
    /// Smallest: of a series a number, of an array a series.
    Min = "MIN", 1..=1;
    /// Minute of the hour, 0–59, UTC.
    Minute = "MINUTE", 1..=1;
    /// Hour of the day, 0–23, UTC.
    Hour = "HOUR", 1..=1;
    /// Day of the week, 1 is Monday and 7 Sunday, UTC.
    Day = "DAY", 1..=1;
    /// Day of the month, 1–31, UTC.
    Date = "DATE", 1..=1;
    /// Month, 1–12, UTC.
    Month = "MONTH", 1..=1;
    /// Year, UTC.
    Year = "YEAR", 1..=1;
    /// Seconds since 1970.
    Epoch = "EPOCH", 1..=1;
    /// The period in seconds.
    Period = "PERIOD", 1..=1;
    /// Change per second since the datapoint before.
    Rate = "RATE", 1..=1;
    /// Drops the series of an array that have no data.
    RemoveEmpty = "REMOVE_EMPTY", 1..=1;
    /// Sum of all datapoints up to each one.
    RunningSum = "RUNNING_SUM", 1..=1;
    /// Standard deviation: of a series a number, of an array a series.
    StdDev = "STDDEV", 1..=1;
    /// Sum: of a series a number, of an array a series.
    Sum = "SUM", 1..=1;
    /// A series without gaps that has one value throughout.
    TimeSeries = "TIME_SERIES", 1..=1;
}
