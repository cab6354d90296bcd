//! The services that a command talks to.

use std::fmt;

use reen_chassis::client::{AddressError, PeerChannel, connect};
use reen_chassis::config::{Environment, Reader};
use reen_chassis::identity::Identity;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::signing_keys_client::SigningKeysClient;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use url::Url;

use super::{NAME, Said};

/// Those that have something to say to operators.
pub(super) struct Services {
    pub(super) auth: Service,
    pub(super) products: Service,
    pub(super) events_handler: Service,
}

/// One of them, and where it is.
#[derive(Clone, Debug)]
pub(super) struct Service {
    identity: Identity,
    name: &'static str,
    /// The setting that says where it is.
    pub(super) key: &'static str,
    addresses: Vec<Url>,
}

impl Services {
    pub(super) fn read(environment: &dyn Environment) -> anyhow::Result<Self> {
        Ok(Reader::read(environment, |reader| {
            let identity = reader.identity(NAME);
            let mut service = |name, key, default| {
                let addresses = reader.peers(key, default)?;
                Some(Service {
                    identity: identity.clone()?,
                    name,
                    key,
                    addresses,
                })
            };
            let auth = service("auth", "AUTH_SERVICE_URL", "http://127.0.0.1:50051");
            let products = service("products", "PRODUCTS_SERVICE_URL", "http://127.0.0.1:50052");
            let events_handler = service(
                "events-handler",
                "EVENTS_HANDLER_SERVICE_URL",
                "http://127.0.0.1:50056",
            );
            Some(Self {
                auth: auth?,
                products: products?,
                events_handler: events_handler?,
            })
        })?)
    }
}

impl Service {
    pub(super) fn auth(&self) -> Result<AuthClient<PeerChannel>, AddressError> {
        Ok(AuthClient::new(self.channel()?))
    }

    pub(super) fn signing_keys(&self) -> Result<SigningKeysClient<PeerChannel>, AddressError> {
        Ok(SigningKeysClient::new(self.channel()?))
    }

    pub(super) fn products(&self) -> Result<ProductsClient<PeerChannel>, AddressError> {
        Ok(ProductsClient::new(self.channel()?))
    }

    pub(super) fn sagas(&self) -> Result<SagasClient<PeerChannel>, AddressError> {
        Ok(SagasClient::new(self.channel()?))
    }

    fn channel(&self) -> Result<PeerChannel, AddressError> {
        connect(&self.identity, self.name, &self.addresses)
    }

    /// What came of asking this service; an error knows then which one it was.
    pub(super) async fn answer(
        &self,
        asking: impl Future<Output = anyhow::Result<Said>>,
    ) -> anyhow::Result<Said> {
        asking.await.map_err(|error| error.context(self.clone()))
    }
}

/// `auth at http://127.0.0.1:50051`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<&str> = self.addresses.iter().map(Url::as_str).collect();
        let addresses = addresses.join(", ");
        write!(f, "{} at {}", self.name, addresses.trim_end_matches('/'))
    }
}
