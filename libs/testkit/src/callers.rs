use std::net::SocketAddr;

use bson::oid::ObjectId;
use reen_chassis::identity::Identity;
use reen_chassis::server::CALLER_HEADER;
use reen_error::{Code, Failure};
use secrecy::SecretString;
use tonic::codegen::BoxFuture;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::peers::{identity, url_of};

const FORGED_SECRET: &str = "another secret of thirty-two characters";
const ANOTHER_SERVICE: &str = "another-service";

/// A channel whose calls say who makes them with a token, or do not say it.
pub type CallerChannel = InterceptedService<Channel, CallerToken>;

/// What calls carry to say who makes them.
#[derive(Clone)]
pub struct CallerToken(Option<String>);

impl Interceptor for CallerToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let token = token.parse().expect("a token is ASCII");
            request.metadata_mut().insert(CALLER_HEADER, token);
        }
        Ok(request)
    }
}

/// One method of a service, and the processes that may call it; [`methods!`](crate::methods) makes them.
pub struct Method {
    /// The name of its call.
    pub name: &'static str,
    /// The processes that may call it.
    pub callers: &'static [&'static str],
    /// Calls it.
    pub ask: fn(CallerChannel) -> BoxFuture<(), Status>,
}

/// The [`Method`]s of a service: `methods! { Client; call(request) => callers, .. }`. Each request is made
/// anew whenever its call is.
#[macro_export]
macro_rules! methods {
    ($client:ident; $($name:ident($request:expr) => $callers:expr),+ $(,)?) => {
        vec![$($crate::Method {
            name: stringify!($name),
            callers: $callers,
            ask: |channel| Box::pin(async move {
                $client::new(channel).$name($request).await.map(drop)
            }),
        }),+]
    };
}

/// A running service, asked everything by everybody.
pub struct AccessTable {
    /// The process under test.
    pub service: &'static str,
    /// Where it serves.
    pub address: SocketAddr,
    /// Everybody who may try.
    pub processes: &'static [&'static str],
    /// All that it can be asked.
    pub methods: Vec<Method>,
}

impl AccessTable {
    /// Each method is for its callers and refuses every other process.
    ///
    /// # Panics
    /// When a method refuses one of its callers as unknown, or does not so refuse another.
    pub async fn assert_each_method_is_for_its_callers(&self) {
        let user = ObjectId::new().to_hex();
        for &process in self.processes {
            let token = identity(process).sign(self.service, Some(&user));
            let channel = self.channel(Some(token));
            for method in &self.methods {
                let is_unknown = refused(method, &channel).await == Some(Code::UnknownCaller);
                let is_allowed = method.callers.contains(&process);
                assert_eq!(is_unknown, !is_allowed, "{} by {process}", method.name);
            }
        }
    }

    /// No method believes a call without a token, or one that was forged or meant for another service,
    /// whoever is said to make it.
    ///
    /// # Panics
    /// When one does.
    pub async fn assert_only_true_identities_are_served(&self) {
        self.assert_all_refuse(None, "anonymous").await;
        let user = ObjectId::new().to_hex();
        for &process in self.processes {
            let forged = forger(process).sign(self.service, Some(&user));
            self.assert_all_refuse(Some(forged), &format!("forged {process}"))
                .await;
            let misdirected = identity(process).sign(ANOTHER_SERVICE, Some(&user));
            self.assert_all_refuse(Some(misdirected), &format!("misdirected {process}"))
                .await;
        }
    }

    /// These methods refuse their callers when they act for nobody who is signed in.
    ///
    /// # Panics
    /// When one does not, or is no method of this table.
    pub async fn assert_need_a_user(&self, names: &[&str]) {
        for &name in names {
            let method = self.methods.iter().find(|method| method.name == name);
            let method = method.expect("a method of this table");
            for &process in method.callers {
                let channel = self.channel(Some(identity(process).sign(self.service, None)));
                let refused = refused(method, &channel).await;
                assert_eq!(refused, Some(Code::Unauthenticated), "{name} by {process}");
            }
        }
    }

    async fn assert_all_refuse(&self, token: Option<String>, who: &str) {
        let channel = self.channel(token);
        for method in &self.methods {
            let refused = refused(method, &channel).await;
            assert_eq!(refused, Some(Code::UnknownCaller), "{} {who}", method.name);
        }
    }

    fn channel(&self, token: Option<String>) -> CallerChannel {
        let endpoint = Endpoint::from_shared(url_of(self.address).to_string());
        let channel = endpoint.expect("an address").connect_lazy();
        InterceptedService::new(channel, CallerToken(token))
    }
}

/// Why the method refuses who calls through this channel, if it does.
async fn refused(method: &Method, channel: &CallerChannel) -> Option<Code> {
    let answer = (method.ask)(channel.clone()).await;
    answer.err().map(|status| Failure::from(status).code)
}

fn forger(name: &'static str) -> Identity {
    Identity::new(name, &SecretString::from(FORGED_SECRET)).expect("a long secret")
}
