//! The register of metrics: each metric once, as data, and the types in which metrics are read and written.
//!
//! * The list: a module for each kind of resource, such as [`queue`]; all of it is in [`ALL`]. Each metric is a
//!   [`Handle`], so no other code spells a metric's name.
//! * The identity of a metric: [`MetricId`]. Queries: [`MetricQuery`], [`Statistic`], [`Period`], [`TimeRange`].
//! * What CloudWatch keeps, and for how long: [`retention`].
//!
//! AWS's list prices are here too: [`prices`].
//!
//! It depends on no other package of this workspace, so every other one can use it.

mod document;
mod handle;
mod id;
mod list;
mod prices;
mod range;
mod resource;
pub mod retention;
mod series;
mod statistic;
mod unit;

pub use document::document;
pub use handle::{Alarm, Definition, Dimension, DimensionNames, Handle, Measures};
pub use id::{MetricId, MetricQuery};
pub use list::*;
pub use prices::{Price, Prices, Tier, prices};
pub use range::{Period, RangeError, TimeRange};
pub use resource::{
    Account, Api, Bucket, Budget, Certificate, Distribution, Function, Queue, Replica, Resource, Table,
    Topic, Vault, Writes,
};
pub use series::Series;
pub use statistic::Statistic;
pub use unit::Unit;
