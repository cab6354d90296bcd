use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use reen_error::Code;
use reen_proto::auth::v1::get_user_response::View;
use reen_proto::auth::v1::{GetUserRequest, Role};

use super::SignedIn;
use crate::error::Error;
use crate::gateway::{Gateway, Shared};

/// Somebody who runs the shop. Access tokens carry no role: auth is asked at each request, so that who
/// is an operator no longer is out at once.
pub(crate) struct Operator;

impl Operator {
    /// Whether the signed-in user is one, and is here in person.
    pub(crate) async fn is(gateway: &Gateway, user: &SignedIn) -> Result<bool, Error> {
        if user.is_by_api_key {
            return Ok(false);
        }
        let id = user.user.to_string();
        let answer = gateway.peers.auth().get_user(GetUserRequest { id }).await?;
        // Only the own view tells: to others an operator is a buyer.
        let own = match answer.into_inner().view {
            Some(View::Own(user)) => Some(user),
            _ => None,
        };
        Ok(own.is_some_and(|user| user.role() == Role::Operator))
    }
}

impl FromRequestParts<Shared> for Operator {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gateway: &Shared) -> Result<Self, Error> {
        let user = SignedIn::from_request_parts(parts, gateway).await?;
        if Self::is(gateway, &user).await? {
            return Ok(Self);
        }
        Err(Error::of(Code::Forbidden))
    }
}
