//! Where a peer is, as its settings say.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use http::uri::{Authority, InvalidUri, PathAndQuery, Scheme};
use url::{Host, Url};

/// Why the address of a peer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// Nothing is listed.
    #[error("{0} has no address")]
    None(&'static str),
    /// A URL that names no host, or is of another protocol.
    #[error("{0} is not an http:// or https:// URL of a peer")]
    NotHttp(Url),
    /// TLS needs something to show.
    #[error("{0} says https, and this process has no certificates (SERVICE_TLS_CERT)")]
    NoCertificates(Url),
    /// No certificate can bear this name.
    #[error("{0} is not a name that a certificate can bear")]
    Name(&'static str),
}

/// One entry of a peer's addresses: one replica, or a name that stands for several.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) host: PlaceHost,
    pub(super) port: u16,
    pub(super) origin: Origin,
}

/// What stands before the port.
#[derive(Clone, Debug)]
pub(super) enum PlaceHost {
    Address(IpAddr),
    Name(String),
}

impl Place {
    /// Reads a URL. With certificates every connection is TLS, whatever the URL says: else a forgotten
    /// letter would send everything in the open.
    pub(super) fn read(url: &Url, has_certificates: bool) -> Result<Self, AddressError> {
        let not_http = || AddressError::NotHttp(url.clone());
        let scheme = match (url.scheme(), has_certificates) {
            ("http" | "https", true) => Scheme::HTTPS,
            ("http", false) => Scheme::HTTP,
            ("https", false) => return Err(AddressError::NoCertificates(url.clone())),
            _ => return Err(not_http()),
        };
        let host = match url.host().ok_or_else(not_http)? {
            Host::Domain(name) => PlaceHost::Name(name.to_owned()),
            Host::Ipv4(address) => PlaceHost::Address(address.into()),
            Host::Ipv6(address) => PlaceHost::Address(address.into()),
        };
        let port = url.port_or_known_default().ok_or_else(not_http)?;
        let name = url.host_str().ok_or_else(not_http)?;
        let authority = format!("{name}:{port}").parse();
        let authority = authority.map_err(|_: InvalidUri| not_http())?;
        let origin = Origin { scheme, authority };
        Ok(Self { host, port, origin })
    }

    /// The one replica that is here, unless a name has to be looked up first.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self.host {
            PlaceHost::Address(address) => Some(SocketAddr::new(address, self.port)),
            PlaceHost::Name(_) => None,
        }
    }
}

/// What stands before the path in the URI of each call.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    /// The URI of a method here.
    pub(super) fn uri(&self, method: PathAndQuery) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(method);
        Uri::from_parts(parts).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressError, Place};

    fn read(url: &str, has_certificates: bool) -> Result<Place, AddressError> {
        Place::read(&url.parse().unwrap(), has_certificates)
    }

    #[test]
    fn an_address_is_a_replica_and_a_name_is_looked_up() {
        let replica = read("http://127.0.0.1:50052", false).unwrap();
        assert_eq!(replica.address(), "127.0.0.1:50052".parse().ok());
        let six = read("http://[::1]:50052", false).unwrap();
        assert_eq!(six.address(), "[::1]:50052".parse().ok());
        let name = read("http://products:50052", false).unwrap();
        assert_eq!(name.address(), None);
        assert_eq!(name.port, 50052);
    }

    #[test]
    fn certificates_make_every_address_one_of_tls() {
        let uri = |url, has_certificates| {
            let place = read(url, has_certificates).unwrap();
            place.origin.uri("/a".parse().unwrap()).to_string()
        };
        assert_eq!(uri("http://products:1", false), "http://products:1/a");
        assert_eq!(uri("http://products:1", true), "https://products:1/a");
        assert_eq!(uri("https://products:1", true), "https://products:1/a");
    }

    #[test]
    fn what_is_no_address_of_a_peer_is_refused() {
        let refused = |url| read(url, false).unwrap_err();
        assert!(matches!(refused("redis://host"), AddressError::NotHttp(_)));
        assert!(matches!(refused("mailto:host"), AddressError::NotHttp(_)));
        let plain = refused("https://products:50052");
        assert!(matches!(plain, AddressError::NoCertificates(_)));
    }
}
