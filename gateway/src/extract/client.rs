use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use reen_proto::auth::v1 as proto;

use crate::cookies::device_token;
use crate::error::Error;
use crate::gateway::{Gateway, Shared};
use crate::limits::ClientAddress;
use crate::middleware::PeerAddress;

/// Who signs in, as far as that can be seen: auth counts failures by it.
pub(crate) struct SigningIn(pub(crate) proto::Client);

impl FromRequestParts<Shared> for SigningIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gateway: &Shared) -> Result<Self, Error> {
        let address = client_address(gateway, &parts.extensions, &parts.headers);
        Ok(Self(proto::Client {
            network: address.to_string(),
            device_token: device_token(&parts.headers).unwrap_or_default(),
        }))
    }
}

/// Where a request came from, as far as our own proxies vouch for it.
pub(crate) fn client_address(
    gateway: &Gateway,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> ClientAddress {
    let peer = extensions.get::<PeerAddress>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    gateway.proxies.client(peer, headers)
}
