use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use reen_tests::Client as Visitor;
use reqwest::{Certificate, Client, RequestBuilder};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Nginx;
use super::secrets::HOST;

/// A client of the shop, who knows it by its certificate.
pub(crate) struct Door {
    https: SocketAddr,
    http: SocketAddr,
    certificate: String,
    client: Client,
}

impl Door {
    pub(super) fn to(nginx: &Nginx, from: Ipv4Addr) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let certificate = nginx.certificate();
        let trusted = Certificate::from_pem(certificate.as_bytes()).unwrap();
        let client = Client::builder()
            .tls_certs_only([trusted])
            .resolve(HOST, nginx.https)
            .local_address(IpAddr::from(from))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build();
        Self {
            https: nginx.https,
            http: nginx.http,
            certificate,
            client: client.unwrap(),
        }
    }

    /// A request to the shop, over TLS.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("https://{HOST}:{}{path}", self.https.port());
        self.client.request(method, url)
    }

    /// Somebody who uses the shop.
    pub(crate) fn visitor(&self, stripe: &str) -> Visitor {
        let shop = format!("https://{HOST}:{}", self.https.port());
        Visitor::by(self.client.clone(), &shop, stripe)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A request that is not encrypted.
    pub(crate) fn get_plainly(&self, path: &str) -> RequestBuilder {
        let plain = format!("http://{}{path}", self.http);
        self.client.get(plain).header("host", HOST)
    }

    /// The status of the answer to a GET over HTTP/2.
    pub(crate) async fn get_by_http2(&self, path: &str) -> u16 {
        let stream = self.connect(&["h2"], &rustls::version::TLS13).await;
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(b"h2".as_slice()));
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::get(format!("https://{HOST}{path}"))
            .body(())
            .unwrap();
        let (answer, _) = sender.send_request(request, true).unwrap();
        let status = answer.await.unwrap().status();
        connection.abort();
        status.as_u16()
    }

    /// A connection for what no client library would send.
    pub(crate) async fn connect(
        &self,
        protocols: &[&str],
        version: &'static rustls::SupportedProtocolVersion,
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        roots.add(certificate.unwrap()).unwrap();
        let config = ClientConfig::builder_with_protocol_versions(&[version]);
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.https).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        connecting.await.unwrap()
    }
}
