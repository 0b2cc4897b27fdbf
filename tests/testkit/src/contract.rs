//! What each adapter of a port has to do, as cases that any of them passes.
//!
//! An adapter's test has one function that opens a pipeline with nothing in it, and [`crate::contract!`]:
//!
//! ```ignore
//! spillway_testkit::contract!(open);
//! ```
//!
//! Each case becomes a test of its own, such as `archive::a_dead_letter_is_kept_once_and_byte_for_byte`.

use futures::future::BoxFuture;
use spillway_core::Pipeline;
use spillway_core::pipeline::WorkerPorts;
use spillway_core::ports::Schemas;
use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// A pipeline with nothing in it, for one case. It derefs to its ports.
pub struct EmptyPipeline {
    /// The ports that programs for people use.
    pub ports: Pipeline,
    /// The ports that the consumer and the archiver use. The receiver plays the event source mapping.
    pub workers: WorkerPorts,
    /// Puts schemas where this pipeline has them, and opens them.
    pub schemas_of: OpenSchemas,
    /// What has to live as long as the ports, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Puts schemas, by event type, where a pipeline has them, and opens them.
pub type OpenSchemas =
    Box<dyn Fn(BTreeMap<String, serde_json::Value>) -> BoxFuture<'static, Arc<dyn Schemas>> + Send + Sync>;

impl Deref for EmptyPipeline {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.ports
    }
}

/// Makes of a list of cases a macro that turns each into a test of one adapter. A case that is not listed is dead code.
macro_rules! suite {
    ($dollar:tt $suite:ident: $($case:ident),* $(,)?) => {
        /// Each case, for [`crate::contract!`].
        pub mod cases {
            $(
                #[doc = concat!("See `", stringify!($case), "`.")]
                pub async fn $case(pipeline: crate::contract::EmptyPipeline) {
                    super::$case(&pipeline).await;
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

pub mod archive;
pub mod ops;
pub mod queue;
pub mod replays;
pub mod schemas;
pub mod store;
pub mod whereabouts;

/// Every suite, each case a test, for the pipeline that the function at this path opens.
#[macro_export]
macro_rules! contract {
    ($open:path) => {
        $crate::archive!($open);
        $crate::ops!($open);
        $crate::queue!($open);
        $crate::replays!($open);
        $crate::schemas!($open);
        $crate::store!($open);
        $crate::whereabouts!($open);
    };
}
