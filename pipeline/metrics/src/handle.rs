//! A metric of the register: its definition as data, and a typed handle to it.

use crate::{MetricId, MetricQuery, Resource, Statistic, Unit};
use std::borrow::Cow;
use std::marker::PhantomData;

/// One metric under one set of dimensions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Definition {
    /// Such as `AWS/SQS`.
    pub namespace: &'static str,
    /// Such as `NumberOfMessagesSent`.
    pub name: &'static str,
    /// What it is about.
    pub dimensions: &'static [Dimension],
    /// Its unit.
    pub unit: Unit,
    /// Whether its distribution is kept, so that it has percentiles.
    pub percentiles: bool,
    /// Least and greatest value of one measurement. [`Definition::bounds_of`] has those of a statistic.
    pub bounds: (f64, f64),
    /// What one measurement is.
    pub measures: Measures,
    /// Seconds between two datapoints. Shorter periods have no datapoint most of the time.
    pub every_s: u32,
    /// Whether a pipeline on one machine also keeps the last minutes in periods of five seconds: [`retention::RECENT`]. What
    /// a verdict is made of.
    ///
    /// [`retention::RECENT`]: crate::retention::RECENT
    pub recent: bool,
    /// Who watches it.
    pub alarm: Alarm,
    /// What it counts or measures, in words.
    pub meaning: &'static str,
}

/// One dimension of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// CloudWatch's name of it, such as `QueueName`.
    pub name: &'static str,
    /// What it may name.
    pub names: DimensionNames,
}

/// What a dimension may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DimensionNames {
    /// The resource with one of these topology keys, such as `queues.primary`.
    Resources(&'static [&'static str]),
    /// Always this value.
    Fixed(&'static str),
}

/// What one measurement of a metric is. It decides which statistics mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measures {
    /// An amount or a duration. Every statistic means something.
    Amount,
    /// An event, which counts as 1. The sum is their number, and there is no datapoint without one.
    Event,
    /// The outcome of an event, 1 or 0. The sum is the number of those with this outcome, the average their share.
    Outcome,
    /// A level, sampled from time to time. Its sum and its sample count depend on how often, and mean nothing.
    Level,
}

/// Who watches a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// At least one of the built-in alarm rules.
    Rule,
    /// No rule, for this reason.
    None(&'static str),
}

impl Definition {
    /// A count that a rule watches: what most metrics are. Only for the list, which fills in the rest.
    pub(crate) const PLAIN: Self = Self {
        namespace: "",
        name: "",
        dimensions: &[],
        unit: Unit::Count,
        percentiles: false,
        bounds: (0.0, f64::INFINITY),
        measures: Measures::Amount,
        every_s: 60,
        recent: false,
        alarm: Alarm::Rule,
        meaning: "",
    };

    /// Least and greatest value of a datapoint of `statistic`. A datapoint exists only where something was measured.
    pub fn bounds_of(&self, statistic: Statistic) -> (f64, f64) {
        let (least, most) = match self.measures {
            Measures::Event => (1.0, 1.0),
            Measures::Outcome => (0.0, 1.0),
            Measures::Amount | Measures::Level => self.bounds,
        };
        match statistic {
            Statistic::SampleCount => (1.0, f64::INFINITY),
            Statistic::Sum if least >= 0.0 => (least, f64::INFINITY),
            Statistic::Sum => (f64::NEG_INFINITY, f64::INFINITY),
            Statistic::Average | Statistic::Minimum | Statistic::Maximum | Statistic::Percentile(_) => {
                (least, most)
            }
        }
    }

    /// How many metrics one deployment has of it: one for each resource that has it.
    pub fn resources(&self) -> usize {
        let of = |dimension: &Dimension| match dimension.names {
            DimensionNames::Resources(keys) => keys.len(),
            DimensionNames::Fixed(_) => 1,
        };
        self.dimensions.iter().map(of).product()
    }

    /// How many names of resources its dimensions need.
    const fn names(&self) -> usize {
        let (mut names, mut index) = (0, 0);
        while index < self.dimensions.len() {
            if matches!(self.dimensions[index].names, DimensionNames::Resources(_)) {
                names += 1;
            }
            index += 1;
        }
        names
    }
}

/// A metric in the register, of resources of the kind `R`. It is how code names a metric.
#[derive(Debug)]
pub struct Handle<R> {
    definition: &'static Definition,
    resource: PhantomData<fn(&R)>,
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Handle<R> {}

impl<R: Resource> Handle<R> {
    pub(crate) const fn new(definition: &'static Definition) -> Self {
        assert!(definition.names() == R::NAMES, "the resource must have a name for each dimension");
        Self { definition, resource: PhantomData }
    }

    /// The metric of this resource.
    pub fn of(self, resource: &R) -> MetricId {
        let Definition { namespace, name, dimensions, .. } = *self.definition;
        let mut names = resource.names();
        let value = |dimension: &Dimension| match dimension.names {
            DimensionNames::Resources(_) => names.next().cloned().unwrap_or_default(),
            DimensionNames::Fixed(value) => Cow::Borrowed(value),
        };
        let values: Vec<_> = dimensions.iter().map(value).collect();
        let dimensions =
            dimensions.iter().zip(values).map(|(dimension, value)| (Cow::Borrowed(dimension.name), value));
        MetricId { namespace: namespace.into(), name: name.into(), dimensions: dimensions.collect() }
    }

    /// A statistic of the metric of this resource.
    pub fn query(self, resource: &R, statistic: Statistic) -> MetricQuery {
        MetricQuery::new(self.of(resource), statistic)
    }
}

impl<R> Handle<R> {
    /// Its definition in the register.
    pub const fn definition(self) -> &'static Definition {
        self.definition
    }

    /// Its name, as CloudWatch has it.
    pub const fn name(self) -> &'static str {
        self.definition.name
    }

    /// Its unit.
    pub const fn unit(self) -> Unit {
        self.definition.unit
    }
}

#[cfg(test)]
mod tests {
    use crate::{Account, Api, Queue, Writes};

    fn dimensions(id: &crate::MetricId) -> Vec<(&str, &str)> {
        id.dimensions.iter().map(|(name, value)| (&**name, &**value)).collect()
    }

    #[test]
    fn the_bounds_of_a_datapoint_depend_on_the_statistic() {
        use crate::Statistic::{Average, Maximum, SampleCount, Sum};
        let any = f64::INFINITY;
        for (metric, statistic, bounds) in [
            (crate::api::SERVER_ERRORS.definition(), Average, (0.0, 1.0)),
            (crate::api::SERVER_ERRORS.definition(), Sum, (0.0, any)),
            (crate::function::INVOCATIONS.definition(), Sum, (1.0, any)),
            (crate::function::INVOCATIONS.definition(), Maximum, (1.0, 1.0)),
            (crate::function::ERRORS.definition(), SampleCount, (1.0, any)),
            (crate::account::PROVISIONED_SHARE.definition(), Maximum, (0.0, 100.0)),
        ] {
            assert_eq!(metric.bounds_of(statistic), bounds, "{} {statistic}", metric.name);
        }
    }

    #[test]
    fn a_handle_names_the_metric_of_a_resource() {
        let sent = crate::queue::SENT.of(&Queue::from("shop"));
        assert_eq!((&*sent.namespace, &*sent.name), ("AWS/SQS", "NumberOfMessagesSent"));
        assert_eq!(dimensions(&sent), [("QueueName", "shop")]);
        let api = Api { name: "shop".into(), stage: "live".into() };
        assert_eq!(dimensions(&crate::api::REQUESTS.of(&api)), [("ApiName", "shop"), ("Stage", "live")]);
        let throttled = crate::writes::THROTTLED.of(&Writes::from("events"));
        assert_eq!(dimensions(&throttled), [("TableName", "events"), ("Operation", "PutItem")]);
        assert_eq!(dimensions(&crate::account::USER_ERRORS.of(&Account)), []);
    }
}
