//! Mutual TLS between two processes: who gets a connection, and who does not.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::collections::HashMap;
use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reen_chassis::client;
use reen_chassis::config::Reader;
use reen_chassis::identity::Identity;
use reen_chassis::server;
use reen_chassis::tls::Certificates;
use reen_error::{Code, Failure};
use reen_proto::cart_items::v1::ListItemsRequest;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::cart_items_server::{CartItems, CartItemsServer};
use secrecy::SecretString;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity as TlsIdentity};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use url::Url;

const SERVICE: &str = "cart-items";

/// Answers every call with `unimplemented`, which only its handlers do.
struct Nothing;

impl CartItems for Nothing {}

/// An authority, which makes certificates.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        Self { issuer }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    fn pair(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// The certificates of the process `name`, which trusts this authority.
    fn certificates(&self, name: &str) -> Certificates {
        trusting(&self.pair(name), &self.pem())
    }
}

fn trusting(own: &Pair, authority: &str) -> Certificates {
    let Pair { certificate, key } = own;
    Certificates::from_pem(certificate.as_bytes(), key.as_bytes(), authority.as_bytes()).unwrap()
}

fn identity(name: &'static str) -> Identity {
    let secret = SecretString::from("a secret for tests of thirty-two characters");
    Identity::new(name, &secret).unwrap()
}

/// Serves as the process of this identity until the guard is dropped.
async fn serve(identity: Identity) -> (SocketAddr, DropGuard) {
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let routes = Routes::new(CartItemsServer::new(Nothing));
    tokio::spawn(server::serve(listener, identity, routes, stop.clone()));
    (address, stop.drop_guard())
}

async fn serve_tls(authority: &Authority) -> (SocketAddr, DropGuard) {
    serve(identity(SERVICE).with_certificates(authority.certificates(SERVICE))).await
}

fn url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}")).unwrap()
}

/// What a call of this caller comes to, where the service is at these addresses.
async fn call(caller: &Identity, addresses: &[SocketAddr]) -> Status {
    let addresses: Vec<_> = addresses.iter().copied().map(url).collect();
    let channel = client::connect(caller, SERVICE, &addresses).unwrap();
    let mut client = CartItemsClient::new(channel);
    client.list_items(ListItemsRequest {}).await.unwrap_err()
}

fn was_served(status: &Status) -> bool {
    status.code() == tonic::Code::Unimplemented
}

/// No handler saw the call, and neither did what looks at signed identities.
fn was_not_heard(status: &Status) -> bool {
    Failure::from_status(status).code == Code::Unavailable
}

#[tokio::test]
async fn peers_with_certificates_of_one_authority_talk() {
    let authority = Authority::new();
    let (address, _serving) = serve_tls(&authority).await;
    let gateway = identity("gateway").with_certificates(authority.certificates("gateway"));
    for replicas in [&[address][..], &[address, address]] {
        let answer = call(&gateway, replicas).await;
        assert!(was_served(&answer), "{answer:?}");
    }
    let channel = client::connect(&gateway, SERVICE, &[url(address)]).unwrap();
    let whole = HealthCheckRequest::default();
    let health = HealthClient::new(channel).check(whole).await.unwrap();
    assert_eq!(health.into_inner().status, ServingStatus::Serving as i32);
}

#[tokio::test]
async fn who_has_no_certificate_of_the_authority_gets_no_connection() {
    let authority = Authority::new();
    let (address, _serving) = serve_tls(&authority).await;
    let plain = call(&identity("gateway"), &[address]).await;
    assert!(was_not_heard(&plain), "without TLS: {plain:?}");
    let stranger = trusting(&Authority::new().pair("gateway"), &authority.pem());
    let stranger = identity("gateway").with_certificates(stranger);
    let answer = call(&stranger, &[address]).await;
    assert!(was_not_heard(&answer), "of another authority: {answer:?}");
    let bare = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name(SERVICE);
    let answer = ask_health(address, bare).await.unwrap_err();
    assert!(was_not_heard(&answer), "no certificate: {answer:?}");
}

#[tokio::test]
async fn a_server_must_be_the_one_that_was_called() {
    let authority = Authority::new();
    let gateway = identity("gateway").with_certificates(authority.certificates("gateway"));
    let posing = identity(SERVICE).with_certificates(authority.certificates("orders"));
    let (address, _serving) = serve(posing).await;
    let answer = call(&gateway, &[address]).await;
    assert!(was_not_heard(&answer), "another service: {answer:?}");
    let foreign = Authority::new();
    let foreign = trusting(&foreign.pair(SERVICE), &authority.pem());
    let (address, _serving) = serve(identity(SERVICE).with_certificates(foreign)).await;
    let answer = call(&gateway, &[address]).await;
    assert!(was_not_heard(&answer), "another authority: {answer:?}");
    let (address, _serving) = serve(identity(SERVICE)).await;
    let answer = call(&gateway, &[address]).await;
    assert!(was_not_heard(&answer), "no TLS: {answer:?}");
}

#[tokio::test]
async fn a_certificate_does_not_stand_for_a_signed_identity() {
    let authority = Authority::new();
    let (address, _serving) = serve_tls(&authority).await;
    let Pair { certificate, key } = authority.pair("gateway");
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    let channel = endpoint
        .tls_config(with_certificate(&authority, certificate, key))
        .unwrap()
        .connect_lazy();
    let mut client = CartItemsClient::new(channel);
    let refused = client.list_items(ListItemsRequest {}).await.unwrap_err();
    let refused = Failure::from_status(&refused);
    assert_eq!(refused.code, Code::UnknownCaller);
    let Pair { certificate, key } = authority.pair("prober");
    let probe = with_certificate(&authority, certificate, key);
    ask_health(address, probe).await.unwrap();
}

fn with_certificate(authority: &Authority, certificate: String, key: String) -> ClientTlsConfig {
    ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .identity(TlsIdentity::from_pem(certificate, key))
        .domain_name(SERVICE)
}

async fn ask_health(address: SocketAddr, tls: ClientTlsConfig) -> Result<(), Status> {
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect_lazy();
    let whole = HealthCheckRequest::default();
    HealthClient::new(channel).check(whole).await.map(drop)
}

/// What is wrong with these settings; nothing when all is well.
fn problems(settings: &[(&str, &str)]) -> String {
    let secret = (
        "SERVICE_IDENTITY_SECRET",
        "a secret for tests of thirty-two characters",
    );
    let environment: HashMap<String, String> = std::iter::once(&secret)
        .chain(settings)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    match Reader::read(&environment, |reader| reader.identity("auth")) {
        Ok(_) => String::new(),
        Err(error) => error.problems.join("; "),
    }
}

#[test]
fn what_is_wrong_with_the_files_is_said_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let authority = Authority::new();
    let (own, other) = (authority.pair("auth"), authority.pair("auth"));
    let certificate = write("auth.pem", &own.certificate);
    let key = write("auth.key", &own.key);
    let other_key = write("other.key", &other.key);
    let ca = write("ca.pem", &authority.pem());
    let nothing = write("nothing.pem", "hello");
    let all = |certificate: &str, key: &str, ca: &str| {
        problems(&[
            ("SERVICE_TLS_CERT", certificate),
            ("SERVICE_TLS_KEY", key),
            ("SERVICE_TLS_CA", ca),
        ])
    };
    assert_eq!(all(&certificate, &key, &ca), "");
    assert_eq!(problems(&[]), "");
    let incomplete = problems(&[("SERVICE_TLS_CERT", &certificate), ("SERVICE_TLS_CA", &ca)]);
    assert!(incomplete.contains("set all or none"), "{incomplete}");
    let missing = all(&certificate, "/nowhere/auth.key", &ca);
    assert!(
        missing.contains("SERVICE_TLS_KEY: /nowhere/auth.key cannot be read"),
        "{missing}"
    );
    for (what, problem) in [
        ("no authority", all(&certificate, &key, &nothing)),
        ("no certificate", all(&nothing, &key, &ca)),
        ("no key", all(&certificate, &nothing, &ca)),
        ("another's key", all(&certificate, &other_key, &ca)),
    ] {
        assert!(problem.contains("cannot be used"), "{what}: {problem}");
    }
}
