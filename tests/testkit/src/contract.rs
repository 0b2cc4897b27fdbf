//! The required behaviour of each port's adapters, as test cases that every adapter passes.
//!
//! An adapter's test has one function that opens an empty pipeline, and [`crate::contract!`]:
//!
//! ```text
//! spillway_testkit::contract!(open);
//! ```
//!
//! Each case becomes a separate test, such as `archive::a_dead_letter_is_kept_once_and_byte_for_byte`.

use futures::future::BoxFuture;
use spillway_core::Pipeline;
use spillway_core::pipeline::WorkerPorts;
use spillway_core::ports::Schemas;
use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// An empty pipeline for one case. It dereferences to its ports.
pub struct EmptyPipeline {
    /// The ports that the user interfaces use.
    pub ports: Pipeline,
    /// The ports that the consumer and the archiver use. The receiver acts as the event source mapping.
    pub workers: WorkerPorts,
    /// Stores schemas where this pipeline reads them, and opens them.
    pub schemas_of: OpenSchemas,
    /// Values that must live as long as the ports, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Stores schemas, by event type, where a pipeline reads them, and opens them.
pub type OpenSchemas =
    Box<dyn Fn(BTreeMap<String, serde_json::Value>) -> BoxFuture<'static, Arc<dyn Schemas>> + Send + Sync>;

impl Deref for EmptyPipeline {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.ports
    }
}

/// From a list of cases, makes a macro that turns each case into a test of one adapter. A case that is not listed is
/// dead code. The cases are about an [`EmptyPipeline`], or about another type: `of Type`, as the module `cases` sees it.
macro_rules! suite {
    ($dollar:tt $suite:ident: $($case:ident),* $(,)?) => {
        suite! { $dollar $suite of crate::contract::EmptyPipeline: $($case),* }
    };
    ($dollar:tt $suite:ident of $subject:ty: $($case:ident),* $(,)?) => {
        /// Each case, for [`crate::contract!`].
        pub mod cases {
            $(
                #[doc = concat!("See `", stringify!($case), "`.")]
                pub async fn $case(subject: $subject) {
                    super::$case(&subject).await;
                }
            )*
        }

        /// The cases of this suite, each a test.
        #[macro_export]
        #[doc(hidden)]
        macro_rules! $suite {
            ($dollar open:path) => {
                mod $suite {
                    $(
                        #[tokio::test]
                        async fn $case() {
                            $crate::contract::$suite::cases::$case($dollar open().await).await;
                        }
                    )*
                }
            };
        }
    };
}

#[cfg(feature = "telemetry")]
pub mod alarms;
pub mod archive;
pub mod explain;
#[cfg(feature = "telemetry")]
pub mod metrics;
pub mod ops;
pub mod places;
pub mod queue;
#[cfg(feature = "telemetry")]
pub mod queues;
pub mod replays;
pub mod schemas;
pub mod store;
#[cfg(feature = "telemetry")]
pub mod traces;

/// Every case of every suite of a pipeline as a test, for the pipeline that the function at this path opens. What the
/// dashboard reads beside it has suites of its own: `alarms!`, `metrics!`, `queues!` and `traces!`.
#[macro_export]
macro_rules! contract {
    ($open:path) => {
        $crate::archive!($open);
        $crate::explain!($open);
        $crate::ops!($open);
        $crate::queue!($open);
        $crate::replays!($open);
        $crate::schemas!($open);
        $crate::store!($open);
        $crate::places!($open);
    };
}
