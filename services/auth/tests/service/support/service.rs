use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_auth::{App, ClerkApi, Config, SealingKey};
use reen_chassis::client::PeerChannel;
use reen_mongo::{Collection, Database};
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::get_user_response::View;
use reen_proto::auth::v1::recovery_client::RecoveryClient;
use reen_proto::auth::v1::{ChangeRoleRequest, GetUserRequest, Role, Session, SignUpRequest, User};
use reen_testkit::{
    ANYWHERE, TestBroker, TestDatabase, acting_for, body, identity, in_background, peer,
};
use secrecy::SecretString;
use tokio_util::sync::DropGuard;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const STARTING_CENTS: i64 = 400_000_000;

/// The service on a fresh database, and its callers.
#[derive(Clone)]
pub(crate) struct Auth {
    pub(crate) database: Database,
    pub(crate) address: SocketAddr,
    _running: Arc<DropGuard>,
    fresh: Arc<Fresh>,
}

/// What replicas share.
pub(crate) struct Fresh {
    database: TestDatabase,
    pub(crate) broker: TestBroker,
}

impl Fresh {
    pub(crate) async fn start() -> Arc<Self> {
        Arc::new(Self {
            database: TestDatabase::fresh(),
            broker: TestBroker::fresh().await,
        })
    }
}

impl Auth {
    pub(crate) async fn start() -> Self {
        Self::start_with(STARTING_CENTS).await
    }

    pub(crate) async fn start_with(starting_balance_cents: i64) -> Self {
        Self::start_on(Fresh::start().await, starting_balance_cents).await
    }

    /// Another replica on the same database.
    pub(crate) async fn replica(&self) -> Self {
        Self::start_on(self.fresh.clone(), STARTING_CENTS).await
    }

    pub(crate) async fn start_on(fresh: Arc<Fresh>, starting_balance_cents: i64) -> Self {
        let config = config(&fresh, starting_balance_cents);
        Self::start_as(fresh, config).await
    }

    /// The service beside a Clerk.
    pub(crate) async fn start_beside(clerk: ClerkApi) -> Self {
        let fresh = Fresh::start().await;
        let config = Config {
            clerk: Some(clerk),
            ..config(&fresh, STARTING_CENTS)
        };
        Self::start_as(fresh, config).await
    }

    /// The service with keys that sign no longer than this.
    pub(crate) async fn start_replacing_keys_after(age: Duration) -> Self {
        let fresh = Fresh::start().await;
        let config = Config {
            signing_keys_replaced_after: Some(age),
            ..config(&fresh, STARTING_CENTS)
        };
        Self::start_as(fresh, config).await
    }

    async fn start_as(fresh: Arc<Fresh>, config: Config) -> Self {
        let app = App::build(config).await.unwrap();
        let address = app.address().unwrap();
        let running = in_background(|stop| app.run(stop));
        Self {
            database: fresh.database.open().await,
            address,
            _running: Arc::new(running),
            fresh,
        }
    }

    pub(crate) fn called_from(&self, process: &'static str) -> AuthClient<PeerChannel> {
        AuthClient::new(peer(process, reen_auth::NAME, self.address))
    }

    /// What proves who reads an address, as the gateway asks for it.
    pub(crate) fn recovery(&self) -> RecoveryClient<PeerChannel> {
        RecoveryClient::new(peer("gateway", reen_auth::NAME, self.address))
    }

    /// How many messages wait for the events-handler, which is not there.
    pub(crate) async fn messages(&self) -> u64 {
        self.fresh.broker.depth(reen_proto::events::QUEUE).await
    }

    pub(crate) fn gateway(&self) -> AuthClient<PeerChannel> {
        self.called_from("gateway")
    }

    pub(crate) fn products(&self) -> AuthClient<PeerChannel> {
        self.called_from("products")
    }

    pub(crate) fn sagas(&self) -> AuthClient<PeerChannel> {
        self.called_from("events-handler")
    }

    pub(crate) fn users(&self) -> Collection<Document> {
        self.database.collection("users")
    }

    pub(crate) fn postings(&self) -> Collection<Document> {
        self.database.collection("postings")
    }

    pub(crate) async fn posting(&self, id: &str) -> Option<Document> {
        self.postings().find_one(doc! {"_id": id}).await.unwrap()
    }

    pub(crate) async fn sign_up(&self, name: &str) -> Session {
        let asked = SignUpRequest {
            name: name.to_owned(),
            email: address_of(name),
            password: PASSWORD.to_owned(),
            ..SignUpRequest::default()
        };
        body(self.gateway().sign_up(asked).await)
    }

    /// A buyer's id.
    pub(crate) async fn buyer(&self, name: &str) -> String {
        self.sign_up(name).await.user.unwrap().id
    }

    /// A seller's id.
    pub(crate) async fn seller(&self, name: &str) -> String {
        let id = self.buyer(name).await;
        let role = Role::Seller.into();
        body(acting_for(&id, self.gateway().change_role(ChangeRoleRequest { role })).await);
        id
    }

    /// The user as they see themselves.
    pub(crate) async fn user(&self, id: &str) -> User {
        let me = GetUserRequest {
            id: "me".to_owned(),
        };
        match body(acting_for(id, self.gateway().get_user(me)).await).view {
            Some(View::Own(user)) => user,
            other => panic!("not the own view: {other:?}"),
        }
    }

    /// What is stored of a user, also of one who has left.
    pub(crate) async fn stored_user(&self, id: &str) -> Document {
        let this = doc! {"_id": ObjectId::parse_str(id).unwrap()};
        self.users().find_one(this).await.unwrap().unwrap()
    }

    /// The balance, what was gained and what was spent, in cents.
    pub(crate) async fn sums(&self, id: &str) -> (i64, i64, i64) {
        let user = self.stored_user(id).await;
        (
            user.get_i64("balanceCents").unwrap(),
            user.get_i64("amountGainedCents").unwrap(),
            user.get_i64("amountSpentCents").unwrap(),
        )
    }
}

/// The address under which [`Auth::sign_up`] signs `name` up.
pub(crate) fn address_of(name: &str) -> String {
    format!("{name}@example.com")
}

fn config(fresh: &Fresh, starting_balance_cents: i64) -> Config {
    Config {
        listen: ANYWHERE,
        database_url: fresh.database.url(),
        migrate_at_start: true,
        broker_url: fresh.broker.url(),
        identity: identity(reen_auth::NAME),
        starting_balance_cents,
        signing_keys_replaced_after: None,
        secrets_key: secrets_key(),
        clerk: None,
    }
}

fn secrets_key() -> SealingKey {
    let digits = SecretString::from("0a".repeat(32));
    SealingKey::parse(&digits).unwrap()
}
