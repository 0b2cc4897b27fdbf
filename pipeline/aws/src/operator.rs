//! All ports of a deployment at once, for operators' programs: the command line tool and the dashboard.

pub use crate::archive::archive_names;

use crate::explain;
use crate::flow::{AwsFlow, QueueDepths, Readers};
use crate::{
    Clients, Connection, DynamoOps, DynamoReplays, S3Archive, S3Schemas, SqsQueue, SystemClock, Topology,
    clients, event_store,
};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use jiff::SignedDuration;
use spillway_core::Pipeline;
use spillway_core::ports::{Clock, DeadLetters, Replays, Schemas};
use spillway_core::schema::FixedSchemas;
use std::sync::Arc;
use std::time::Duration;

/// How long an operator waits for one answer.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// A page or a command asks for the counters of dead letters, the running replays and the depths of the queues several times
/// within this time.
const KEEP_COUNTS: SignedDuration = SignedDuration::from_secs(1);

/// The ports of a deployment, with the credentials of the operator who runs the program.
#[derive(Clone)]
pub struct Deployment {
    /// Where it is.
    pub topology: Topology,
    /// Clients of the services, for further readers.
    pub clients: Clients,
    /// Its ports.
    pub ports: Pipeline,
    /// The archive as it is in S3, with its index that can be repaired and rebuilt.
    pub index: Arc<S3Archive>,
    /// How many messages its queues have.
    pub depths: Arc<QueueDepths>,
}

/// Why a deployment can't be worked with. Each text is one sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// No credentials were configured.
    #[error(
        "no AWS credentials were found: sign in (such as with \"aws sso login\"), name a profile in AWS_PROFILE, or set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// Their source could not provide them.
    #[error(
        "the AWS credentials can't be used ({reason}): sign in again, such as with \"aws sso login\", or check AWS_PROFILE"
    )]
    Credentials {
        /// Why.
        reason: String,
    },
    /// They belong to another account.
    #[error(
        "these AWS credentials are of the account {theirs}, and the topology is of the account {account}: name the right \
         profile in AWS_PROFILE"
    )]
    OtherAccount {
        /// The credentials' account.
        theirs: String,
        /// The deployment's.
        account: String,
    },
}

impl Deployment {
    /// Finds credentials where AWS's own tools do (environment, profiles, single sign-on, roles), and opens the ports.
    /// Nothing is read yet.
    ///
    /// # Errors
    /// [`AttachError`]: no credentials, or those of another account.
    pub async fn attach(topology: Topology) -> Result<Self, AttachError> {
        let clients = clients::load(Connection::within(CALL_LIMIT).in_region(topology.region.as_str())).await;
        identify(&clients, &topology).await?;
        Self::with_clients(topology, clients).await
    }

    /// The same with clients that are there already.
    pub async fn with_clients(topology: Topology, clients: Clients) -> Result<Self, AttachError> {
        Self::at(topology, clients, Arc::new(SystemClock)).await
    }

    /// The same with another clock.
    pub async fn at(
        topology: Topology,
        clients: Clients,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AttachError> {
        Self::keeping(topology, clients, clock, KEEP_COUNTS).await
    }

    /// The same with another time for which counts are kept. What another process changes is seen after that.
    pub async fn keeping(
        topology: Topology,
        clients: Clients,
        clock: Arc<dyn Clock>,
        keep: SignedDuration,
    ) -> Result<Self, AttachError> {
        let names = archive_names(&topology);
        let store = event_store::open(&clients, topology.event_store_location());
        let stored = event_store::browse(&clients, topology.event_store_location());
        let index = S3Archive::new(clients.s3(), clients.dynamodb(), names.clone(), Arc::clone(&clock));
        let index = Arc::new(index.keeping_counts(keep));
        let archive: Arc<dyn DeadLetters> = Arc::clone(&index) as _;
        let replays: Arc<dyn Replays> = Arc::new(
            DynamoReplays::new(clients.dynamodb(), clients.s3(), names, Arc::clone(&clock))
                .beside(&index)
                .keeping_running(keep),
        );
        let depths = Arc::new(QueueDepths::new(clients.sqs(), &topology.queues, Arc::clone(&clock), keep));
        let readers = Readers {
            depths: Arc::clone(&depths),
            dynamodb: clients.dynamodb(),
            s3: clients.s3(),
            cloudwatch: clients.cloudwatch(),
            store: Arc::clone(&store),
            archive: Arc::clone(&archive),
            replays: Arc::clone(&replays),
            clock: Arc::clone(&clock),
        };
        let flow = Arc::new(AwsFlow::new(readers, topology.clone()));
        let ports = Pipeline {
            queue: Arc::new(SqsQueue::new(clients.sqs(), topology.queues.primary.url.as_str())),
            store,
            stored,
            archive,
            replays,
            ops: Arc::new(DynamoOps::new(clients.dynamodb(), topology.ops_log.name.as_str())),
            ledger: flow.clone(),
            events: flow,
            schemas: schemas(&topology, &clients),
            clock,
            names: Arc::new(topology.names()),
            settings: Arc::new(topology.settings()),
        };
        Ok(Self { topology, clients, ports, index, depths })
    }
}

/// Fetches credentials, so that an operator without any sees that error first.
async fn identify(clients: &Clients, topology: &Topology) -> Result<(), AttachError> {
    let provider = clients.config().credentials_provider().ok_or(AttachError::NoCredentials)?;
    let credentials = provider.provide_credentials().await.map_err(|error| match &error {
        CredentialsError::CredentialsNotLoaded(_) => AttachError::NoCredentials,
        error => AttachError::Credentials { reason: explain::innermost(error) },
    })?;
    match credentials.account_id() {
        Some(theirs) if theirs.as_str() != topology.account => Err(AttachError::OtherAccount {
            theirs: theirs.as_str().to_owned(),
            account: topology.account.clone(),
        }),
        _ => Ok(()),
    }
}

fn schemas(topology: &Topology, clients: &Clients) -> Arc<dyn Schemas> {
    let archive = &topology.archive;
    match (&archive.schema_set_key, &archive.schemas_prefix) {
        (Some(key), _) => {
            Arc::new(S3Schemas::in_one_document(clients.s3(), archive.bucket.as_str(), key.as_str()))
        }
        (None, Some(prefix)) => {
            Arc::new(S3Schemas::new(clients.s3(), archive.bucket.as_str(), prefix.as_str()))
        }
        (None, None) => Arc::new(FixedSchemas::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{ProvideCredentials, future};

    fn topology() -> Topology {
        Topology::parse(include_str!("../tests/recorded/topology.json")).unwrap()
    }

    #[derive(Debug)]
    struct TestProvider(fn() -> Result<Credentials, CredentialsError>);

    impl ProvideCredentials for TestProvider {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready((self.0)())
        }
    }

    async fn check(who: fn() -> Result<Credentials, CredentialsError>) -> Result<(), AttachError> {
        let provider = aws_sdk_sqs::config::SharedCredentialsProvider::new(TestProvider(who));
        let config = aws_config::SdkConfig::builder().credentials_provider(provider).build();
        identify(&Clients::from_config(config), &topology()).await
    }

    #[tokio::test]
    async fn an_operator_without_credentials_gets_an_instruction() {
        let none = check(|| Err(CredentialsError::not_loaded("nothing"))).await.unwrap_err().to_string();
        assert!(none.starts_with("no AWS credentials were found: sign in"), "{none}");
        let expired = check(|| Err(CredentialsError::provider_error("the SSO session has expired"))).await;
        let expired = expired.unwrap_err().to_string();
        assert!(expired.contains("(the SSO session has expired): sign in again"), "{expired}");
    }

    #[tokio::test]
    async fn credentials_of_another_account_are_refused_if_they_say_so() {
        assert_eq!(check(|| Ok(Credentials::new("k", "s", None, None, "t"))).await, Ok(()));
        let other = check(|| {
            let builder = Credentials::builder().access_key_id("k").secret_access_key("s");
            Ok(builder.account_id("111122223333").provider_name("t").build())
        });
        let other = other.await.unwrap_err().to_string();
        assert!(
            other.contains("of the account 111122223333, and the topology is of the account 000000000000")
        );
    }
}
