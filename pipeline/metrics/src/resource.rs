//! The resources that metrics are about.

use std::borrow::Cow;

/// What a metric is about: it gives the values of the metric's dimensions.
///
/// A name is a `Cow`, so that a name known at compile time costs nothing to copy where each request is measured.
pub trait Resource {
    /// How many names it has.
    const NAMES: usize;

    /// Its deployed names, in the order of the dimensions.
    fn names(&self) -> impl Iterator<Item = &Cow<'static, str>>;
}

/// The REST API, at one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The stage.
    pub stage: Cow<'static, str>,
}

impl Resource for Api {
    const NAMES: usize = 2;

    fn names(&self) -> impl Iterator<Item = &Cow<'static, str>> {
        [&self.name, &self.stage].into_iter()
    }
}

/// A replica of the table in another region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The table's name.
    pub table: Cow<'static, str>,
    /// The other region.
    pub region: Cow<'static, str>,
}

impl Resource for Replica {
    const NAMES: usize = 2;

    fn names(&self) -> impl Iterator<Item = &Cow<'static, str>> {
        [&self.table, &self.region].into_iter()
    }
}

macro_rules! with_one_name {
    ($($(#[$about:meta])* $resource:ident;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $resource(pub Cow<'static, str>);

        impl Resource for $resource {
            const NAMES: usize = 1;

            fn names(&self) -> impl Iterator<Item = &Cow<'static, str>> {
                std::iter::once(&self.0)
            }
        }

        impl From<&str> for $resource {
            fn from(name: &str) -> Self {
                Self(Cow::Owned(name.to_owned()))
            }
        }

        impl From<&Cow<'static, str>> for $resource {
            fn from(name: &Cow<'static, str>) -> Self {
                Self(name.clone())
            }
        }
    )*};
}

with_one_name! {
    /// A Lambda function.
    Function;
    /// A queue.
    Queue;
    /// A table.
    Table;
    /// The writes to a table.
    Writes;
    /// A budget.
    Budget;
    /// A bucket.
    Bucket;
    /// A topic of SNS.
    Topic;
    /// A backup vault.
    Vault;
    /// A certificate, by its ARN.
    Certificate;
    /// A CloudFront distribution, by its id.
    Distribution;
}

/// The whole account, in its region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account;

impl Resource for Account {
    const NAMES: usize = 0;

    fn names(&self) -> impl Iterator<Item = &Cow<'static, str>> {
        std::iter::empty()
    }
}
