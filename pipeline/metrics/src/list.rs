//! The list: every metric that AWS publishes about this system, and every metric that its own functions emit.
//!
//! The names, dimensions and units are CloudWatch's, as each service's page in its developer guide lists them.

use crate::handle::{Alarm, Definition, Dimension, DimensionNames, Handle, Measures};
use crate::{
    Account, Api, Bucket, Budget, Certificate, Distribution, Function, Queue, Replica, Table, Topic, Unit,
    Vault, Writes,
};

/// Namespace of the metrics that the functions' own code emits.
pub const OWN: &str = "Spillway";
/// DynamoDB's namespace.
pub const DYNAMODB: &str = "AWS/DynamoDB";

const API: &[Dimension] = &[of("ApiName", &["api"]), of("Stage", &["api.stage"])];
const EVERY_FUNCTION: &[Dimension] =
    &[of("FunctionName", &["functions.ingest", "functions.consumer", "functions.archiver"])];
const INGEST: &[Dimension] = &[of("FunctionName", &["functions.ingest"])];
const CONSUMER: &[Dimension] = &[of("FunctionName", &["functions.consumer"])];
const ARCHIVER: &[Dimension] = &[of("FunctionName", &["functions.archiver"])];
const BOTH_QUEUES: &[Dimension] = &[of("QueueName", &["queues.primary", "queues.dlq"])];
const TABLE: &[Dimension] = &[of("TableName", &["table"])];
// The only call that writes: a conditional put for each event.
const WRITES: &[Dimension] =
    &[of("TableName", &["table"]), Dimension { name: "Operation", names: DimensionNames::Fixed("PutItem") }];
const REPLICA: &[Dimension] = &[of("TableName", &["table"]), of("ReceivingRegion", &["table.replica"])];
const ACCOUNT: &[Dimension] = &[];
// S3 counts requests only for a filter; `terraform/modules/archive` makes one that leaves no object out.
const ARCHIVE: &[Dimension] = &[
    of("BucketName", &["archive"]),
    Dimension { name: "FilterId", names: DimensionNames::Fixed("EntireBucket") },
];
const TOPICS: &[Dimension] = &[of("TopicName", &["topics.high", "topics.low"])];
const VAULT: &[Dimension] = &[of("BackupVaultName", &["backup.vault"])];
const CERTIFICATE: &[Dimension] = &[of("CertificateArn", &["api.certificate"])];
const DISTRIBUTION: &[Dimension] = &[
    of("DistributionId", &["api.distribution"]),
    Dimension { name: "Region", names: DimensionNames::Fixed("Global") },
];
const BUDGET: &[Dimension] = &[of("BudgetName", &["budget"])];

const fn of(name: &'static str, keys: &'static [&'static str]) -> Dimension {
    Dimension { name, names: DimensionNames::Resources(keys) }
}

const PERCENT: (f64, f64) = (0.0, 100.0);

/// Each row is `NAME = "Name in CloudWatch", Unit;`, with what differs from [`Definition::PLAIN`] in braces.
macro_rules! register {
    ($(
        $(#[$about:meta])*
        mod $module:ident of $resource:ty, $namespace:expr, $dimensions:ident {$(
            $(#[doc = $meaning:literal])+
            $handle:ident = $name:literal, $unit:ident $({ $($field:ident: $value:expr),+ })?;
        )+}
    )+) => {
        $(
            $(#[$about])*
            pub mod $module {
                use super::*;
                $(
                    $(#[doc = $meaning])+
                    pub const $handle: Handle<$resource> = Handle::new(&Definition {
                        namespace: $namespace,
                        name: $name,
                        dimensions: $dimensions,
                        unit: Unit::$unit,
                        meaning: concat!($($meaning),+),
                        $($($field: $value,)+)?
                        ..Definition::PLAIN
                    });
                )+
            }
        )+

        /// Every metric, stage by stage, in the order in which an event passes them.
        pub const ALL: &[&Definition] = &[$($($module::$handle.definition(),)+)+];
    };
}

register! {
    /// The REST API's metrics.
    mod api of Api, "AWS/ApiGateway", API {
        /// Requests that reached the API, with any answer.
        REQUESTS = "Count", Count { recent: true, measures: Measures::Event };
        /// Requests that were answered 4xx.
        CLIENT_ERRORS = "4XXError", Count { measures: Measures::Outcome };
        /// Requests that were answered 5xx.
        SERVER_ERRORS = "5XXError", Count { recent: true, measures: Measures::Outcome };
        /// Time from a request's arrival to the end of its answer.
        LATENCY = "Latency", Milliseconds { percentiles: true };
        /// The part of the latency that the ingest function takes.
        INTEGRATION_LATENCY = "IntegrationLatency", Milliseconds {
            percentiles: true,
            alarm: Alarm::None("the greater part of Latency, which clients feel and a rule watches")
        };
    }

    /// What CloudFront measures of the distribution in front of the API, if the deployment has one. It publishes only in
    /// us-east-1. Each of its metrics has one statistic:
    /// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html>.
    mod edge of Distribution, "AWS/CloudFront", DISTRIBUTION {
        /// Requests of viewers.
        REQUESTS = "Requests", Count { measures: Measures::Event };
        /// Share of the viewers' requests that were answered 5xx.
        SERVER_ERROR_RATE = "5xxErrorRate", Percent { bounds: PERCENT };
    }

    /// What ACM measures of the certificate of the API's own domain name, if it has one. The metric appears twice a day, and
    /// ends when the certificate has expired: <https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html>.
    mod certificate of Certificate, "AWS/CertificateManager", CERTIFICATE {
        /// Days until the certificate expires.
        DAYS_TO_EXPIRY = "DaysToExpiry", Count { measures: Measures::Level, every_s: 43_200 };
    }

    /// What Lambda measures of each function.
    mod function of Function, "AWS/Lambda", EVERY_FUNCTION {
        /// Times that the function ran.
        INVOCATIONS = "Invocations", Count { recent: true, measures: Measures::Event };
        /// Invocations that ended without an answer.
        ERRORS = "Errors", Count { recent: true, measures: Measures::Outcome };
        /// Invocations that were refused because too many ran at once.
        THROTTLES = "Throttles", Count { measures: Measures::Outcome };
        /// Time that the function's code took.
        DURATION = "Duration", Milliseconds { percentiles: true };
        /// Invocations at the same time.
        CONCURRENCY = "ConcurrentExecutions", Count { measures: Measures::Level };
    }

    /// What Lambda measures of the whole account: <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-concurrency.html>.
    mod concurrency of Account, "AWS/Lambda", ACCOUNT {
        /// Concurrency that is in use without a reservation, or reserved, or provisioned, of all functions of the region.
        CLAIMED = "ClaimedAccountConcurrency", Count { measures: Measures::Level };
    }

    /// The metrics of both queues.
    mod queue of Queue, "AWS/SQS", BOTH_QUEUES {
        /// Messages sent to the queue. What SQS itself moves to the dead letter queue is not among them.
        SENT = "NumberOfMessagesSent", Count;
        /// Messages received, each time counted.
        RECEIVED = "NumberOfMessagesReceived", Count { recent: true };
        /// Messages deleted.
        DELETED = "NumberOfMessagesDeleted", Count { recent: true };
        /// Messages that can be received now.
        VISIBLE = "ApproximateNumberOfMessagesVisible", Count { measures: Measures::Level };
        /// Messages that were received and not deleted.
        NOT_VISIBLE = "ApproximateNumberOfMessagesNotVisible", Count { measures: Measures::Level };
        /// Messages that were sent with a delay.
        DELAYED = "ApproximateNumberOfMessagesDelayed", Count {
            measures: Measures::Level,
            alarm: Alarm::None("nothing is sent with a delay")
        };
        /// Age of the oldest message that was received less than three times.
        AGE_OF_OLDEST = "ApproximateAgeOfOldestMessage", Seconds { measures: Measures::Level };
    }

    /// The table's metrics.
    mod table of Table, DYNAMODB, TABLE {
        /// Write capacity units that were used.
        CONSUMED_WRITES = "ConsumedWriteCapacityUnits", Count;
        /// Write capacity units a second that are provisioned.
        PROVISIONED_WRITES = "ProvisionedWriteCapacityUnits", Count { measures: Measures::Level, every_s: 300 };
        /// Items that were refused for lack of capacity.
        WRITE_THROTTLES = "WriteThrottleEvents", Count;
    }

    /// The metrics of writes to the table.
    mod writes of Writes, DYNAMODB, WRITES {
        /// Writes that were refused for lack of capacity.
        THROTTLED = "ThrottledRequests", Count { recent: true };
        /// Writes that DynamoDB answered with an internal error.
        FAILED = "SystemErrors", Count { recent: true };
        /// Time that a successful write took inside the service.
        LATENCY = "SuccessfulRequestLatency", Milliseconds { recent: true, percentiles: true };
    }

    /// What DynamoDB measures of each replica of the table in another region, if there is one:
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_monitoring.html>.
    mod replica of Replica, DYNAMODB, REPLICA {
        /// Time from a write here until the item appeared in the other region.
        LATENCY = "ReplicationLatency", Milliseconds;
    }

    /// What DynamoDB measures of the whole account.
    mod account of Account, DYNAMODB, ACCOUNT {
        /// Requests that DynamoDB refused as wrong, of all tables of the region.
        USER_ERRORS = "UserErrors", Count;
        /// Write capacity units that one table may have.
        TABLE_WRITES_LIMIT = "AccountMaxTableLevelWrites", Count { measures: Measures::Level, every_s: 300 };
        /// Write capacity provisioned in the region, as a share of the account's limit.
        PROVISIONED_SHARE = "AccountProvisionedWriteCapacityUtilization", Percent {
            bounds: PERCENT, measures: Measures::Level, every_s: 300
        };
        /// Write capacity provisioned for the largest table, as a share of the limit for one table.
        LARGEST_TABLE_SHARE = "MaxProvisionedTableWriteCapacityUtilization", Percent {
            bounds: PERCENT, measures: Measures::Level, every_s: 300
        };
    }

    /// What the ingest function's code emits.
    mod ingest of Function, OWN, INGEST {
        /// Promises given: messages that the queue has confirmed. Emitted before the answer is sent, so no 202 is missing
        /// from it; the ledger of a deployment in AWS counts by it.
        EVENTS_ACCEPTED = "EventsAccepted", Count { recent: true };
        /// Messages that the queue did not confirm and may have nevertheless. Their senders got a 503; the ledger of a
        /// deployment in AWS widens its bound by them.
        EVENTS_IN_DOUBT = "EventsInDoubt", Count {
            alarm: Alarm::None("the ledger's bound; the refusals are among the API's errors, which rules watch")
        };
    }

    /// What the consumer function's code emits.
    mod consumer of Function, OWN, CONSUMER {
        /// How often each record has been received: the early warning before the DLQ.
        RECEIVE_COUNT = "ReceiveCount", Count { percentiles: true };
        /// Records stored.
        RECORDS_STORED = "RecordsStored", Count { recent: true };
        /// Records whose event was in the store already.
        RECORDS_ALREADY_STORED = "RecordsAlreadyStored", Count { recent: true };
        /// Records of messages that somebody put into the queue past the API, whose event is stored. They are also
        /// among the two above.
        RECORDS_FOREIGN = "RecordsForeign", Count {
            alarm: Alarm::None("the ledger's: such messages were never promised")
        };
        /// Records that a replay had put back, whose event is stored now. They are also among the two first.
        RECORDS_REPLAYED = "RecordsReplayed", Count {
            alarm: Alarm::None("an operator started the replay and sees its result")
        };
        /// Records to be tried again.
        RECORDS_RETRIED = "RecordsRetried", Count { recent: true };
        /// Records put into the DLQ by the consumer.
        RECORDS_REJECTED = "RecordsRejected", Count { recent: true };
        /// Records that the DLQ did not confirm and may have nevertheless. They stay in the queue; the ledger of a deployment in
        /// AWS widens its bound by them.
        RECORDS_IN_DOUBT = "RecordsInDoubt", Count {
            alarm: Alarm::None("the ledger's bound; the records are retried, and RecordsRetried is watched")
        };
        /// Time from accepted to stored. Replayed events are not among them: they waited for an operator.
        ACCEPT_TO_STORED = "AcceptToStoredLatency", Milliseconds { percentiles: true };
        /// Age of the oldest event that is not stored, at any receive count; of a replayed one since it was put back. In AWS it
        /// is that of the oldest record that the consumer could not store.
        OLDEST_EVENT_AGE = "OldestEventAge", Seconds {
            measures: Measures::Level,
            alarm: Alarm::None("the evidence beside the queue's age and the receive counts, which rules watch")
        };
        /// Schemas that can't be used. An earlier version of each is active; without one, events of the type are refused.
        UNUSABLE_SCHEMAS = "UnusableSchemas", Count { measures: Measures::Level };
        /// Records in a batch.
        BATCH_SIZE = "BatchSize", Count {
            alarm: Alarm::None("explains costs; no size of a batch is a fault")
        };
    }

    /// What the archiver function's code emits, and what others measure of its work.
    mod archiver of Function, OWN, ARCHIVER {
        /// Age of the oldest dead letter in a batch, since its event was first sent.
        OLDEST_DEAD_LETTER_AGE = "OldestDeadLetterAge", Seconds;
        /// Dead letters in the archive that could not be put into its index, by the last try.
        DEAD_LETTERS_UNINDEXED = "DeadLettersUnindexed", Count { measures: Measures::Level };
        /// Time until the oldest message in a queue expires, by when its event was first sent.
        TIME_TO_LOSS = "TimeToLoss", Seconds { measures: Measures::Level, every_s: 300 };
    }

    /// S3's request metrics of the archive's bucket. S3 delivers them as well as it can, and not each one:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html>.
    mod archive of Bucket, "AWS/S3", ARCHIVE {
        /// Requests to the bucket.
        REQUESTS = "AllRequests", Count { measures: Measures::Event };
        /// Requests that were answered 4xx.
        CLIENT_ERRORS = "4xxErrors", Count { measures: Measures::Outcome };
        /// Requests that were answered 5xx.
        SERVER_ERRORS = "5xxErrors", Count { measures: Measures::Outcome };
    }

    /// What SNS measures of the topics that alarms notify:
    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html>.
    mod topic of Topic, "AWS/SNS", TOPICS {
        /// Notifications that SNS could not deliver to a subscriber.
        NOTIFICATIONS_FAILED = "NumberOfNotificationsFailed", Count { every_s: 300 };
    }

    /// What AWS Backup measures of the deployment's vault, if it has one:
    /// <https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html>.
    mod backup of Vault, "AWS/Backup", VAULT {
        /// Backups that failed.
        FAILED = "NumberOfBackupJobsFailed", Count { every_s: 300 };
    }

    /// The budget's metrics.
    mod budget of Budget, OWN, BUDGET {
        /// Share of the month's budget that is spent.
        ACTUAL = "BudgetActualPercent", Percent { measures: Measures::Level, every_s: 3_600 };
        /// Share of the month's budget that will be spent by its end at the present pace.
        FORECAST = "BudgetForecastPercent", Percent { measures: Measures::Level, every_s: 3_600 };
    }
}

/// The metrics of that name. There can be several, with different dimensions.
pub fn named<'n>(namespace: &'n str, name: &'n str) -> impl Iterator<Item = &'static Definition> + use<'n> {
    ALL.iter().copied().filter(move |metric| metric.namespace == namespace && metric.name == name)
}

/// How many metrics one deployment emits itself. CloudWatch bills each as a custom metric.
pub fn custom_metrics() -> usize {
    ALL.iter().filter(|metric| metric.namespace == OWN).map(|metric| metric.resources()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_metric_is_registered_twice() {
        let mut seen = HashSet::new();
        for metric in ALL {
            let dimensions: Vec<_> = metric.dimensions.iter().map(|dimension| dimension.name).collect();
            assert!(seen.insert((metric.namespace, metric.name, dimensions)), "{}", metric.name);
        }
    }

    #[test]
    fn every_metric_has_a_meaning_and_bounds_that_fit_its_unit() {
        for metric in ALL {
            assert!(metric.meaning.trim().ends_with('.'), "{}: {}", metric.name, metric.meaning);
            assert!(metric.bounds.0 < metric.bounds.1, "{}", metric.name);
            assert!(metric.bounds.1 != 100.0 || metric.unit == Unit::Percent, "{}", metric.name);
        }
    }

    #[test]
    fn a_metric_is_found_by_its_name() {
        assert_eq!(named("AWS/SQS", "NumberOfMessagesSent").collect::<Vec<_>>(), [queue::SENT.definition()]);
        assert_eq!(named("AWS/SQS", "MessagesSent").count(), 0);
    }

    #[test]
    fn each_metric_of_our_own_is_of_one_resource_and_billed_once() {
        assert_eq!(custom_metrics(), ALL.iter().filter(|metric| metric.namespace == OWN).count());
        assert_eq!(function::DURATION.definition().resources(), 3);
    }
}
