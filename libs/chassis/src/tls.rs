//! Mutual TLS between the processes of the mesh: each shows a certificate of the mesh's own authority,
//! and a server's must bear the name of the service that was called.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

/// A client that opens a connection and says nothing is not waited for any longer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// What this process shows to its peers, and by what it knows them.
#[derive(Clone)]
pub struct Certificates {
    own: Identity,
    authority: Certificate,
    client: Arc<ClientConfig>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// Some files are named, and some are not.
    #[error(
        "SERVICE_TLS_CERT, SERVICE_TLS_KEY and SERVICE_TLS_CA belong together: set all or none"
    )]
    Incomplete,
    /// A file is not there, or not ours to read.
    #[error("{key}: {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The setting that names it.
        key: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// They are no PEM, or the key is not the certificate's.
    #[error("SERVICE_TLS_CERT, SERVICE_TLS_KEY and SERVICE_TLS_CA cannot be used: {0}")]
    Unusable(String),
}

/// Where the PEM files are.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The certificate of this process, followed by those between it and the authority.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The authority that all processes trust, or several while it is exchanged.
    pub authority: Option<PathBuf>,
}

impl Files {
    /// Reads all three; `None` when none is named.
    ///
    /// # Errors
    /// See [`CertificatesError`].
    pub fn read(&self) -> Result<Option<Certificates>, CertificatesError> {
        match (&self.certificate, &self.key, &self.authority) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(authority)) => {
                let certificate = read_file("SERVICE_TLS_CERT", certificate)?;
                let key = read_file("SERVICE_TLS_KEY", key)?;
                let authority = read_file("SERVICE_TLS_CA", authority)?;
                Certificates::from_pem(&certificate, &key, &authority).map(Some)
            }
            _ => Err(CertificatesError::Incomplete),
        }
    }
}

fn read_file(key: &'static str, path: &Path) -> Result<Vec<u8>, CertificatesError> {
    std::fs::read(path).map_err(|source| CertificatesError::Unreadable {
        key,
        path: path.to_owned(),
        source,
    })
}

impl Certificates {
    /// From the contents of the three files.
    ///
    /// # Errors
    /// [`CertificatesError::Unusable`].
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        authority: &[u8],
    ) -> Result<Self, CertificatesError> {
        let certificates = Self {
            own: Identity::from_pem(certificate, key),
            authority: Certificate::from_pem(authority),
            client: Arc::new(client_config(certificate, key, authority)?),
        };
        certificates.try_serving()?;
        Ok(certificates)
    }

    /// What cannot be used is found at start, and not by the first call.
    fn try_serving(&self) -> Result<(), CertificatesError> {
        let server = Server::builder().tls_config(self.of_server()).map(drop);
        server.map_err(|error| CertificatesError::Unusable(cause(&error)))
    }

    /// For a server: who shows no certificate of the authority gets no connection.
    pub(crate) fn of_server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(self.own.clone())
            .client_ca_root(self.authority.clone())
            .timeout(HANDSHAKE_TIMEOUT)
    }

    /// For calls to peers.
    pub(crate) fn of_client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }
}

/// How a client speaks TLS: it shows its own certificate, trusts the mesh's authority and nobody else, and
/// speaks HTTP/2 only.
fn client_config(
    certificate: &[u8],
    key: &[u8],
    authority: &[u8],
) -> Result<ClientConfig, CertificatesError> {
    let certificate = CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key)?;
    let mut trusted = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authority) {
        trusted.add(authority?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(trusted)
        .with_client_auth_cert(certificate, key)?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(config)
}

impl From<pem::Error> for CertificatesError {
    fn from(error: pem::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<rustls::Error> for CertificatesError {
    fn from(error: rustls::Error) -> Self {
        Self::Unusable(error.to_string())
    }
}

/// The transport's own words are always "transport error".
fn cause(error: &tonic::transport::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}
