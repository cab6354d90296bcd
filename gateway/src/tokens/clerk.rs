//! Session tokens of Clerk: JWTs that it signs with RS256 for a minute at a time
//! (<https://clerk.com/docs/guides/sessions/manual-jwt-verification>).

use std::convert::Infallible;
use std::str::FromStr;

use jsonwebtoken::{Algorithm, Validation};
use reen_error::Code;
use reen_proto::auth::v1::ResolveClerkUserRequest;
use serde::Deserialize;

use super::keys::{Keys, Source};
use super::{LEEWAY_SECONDS, Verified, refused};
use crate::error::Error;
use crate::peers::Peers;

const ACTIVE: &str = "active";

/// Whose tokens are taken.
#[derive(Clone, Debug)]
pub struct ClerkIssuer {
    /// `CLERK_ISSUER`: the Frontend API's URL, which the tokens name as `iss`.
    pub issuer: String,
    /// `CLERK_AUTHORIZED_PARTIES`, separated by commas: the pages that may have got a token (`azp`). Any,
    /// when absent.
    pub authorized_parties: Parties,
}

/// Origins of pages.
#[derive(Clone, Debug, Default)]
pub struct Parties(Vec<String>);

impl FromStr for Parties {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parties = text.split(',').map(str::trim);
        let parties = parties.filter(|party| !party.is_empty());
        Ok(Self(parties.map(str::to_owned).collect()))
    }
}

impl Parties {
    /// A token that was not got by a page, as those of native apps, names none.
    fn include(&self, party: Option<&str>) -> bool {
        match party {
            Some(party) if !self.0.is_empty() => self.0.iter().any(|known| known == party),
            _ => true,
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    azp: Option<String>,
    /// Whether the session has everything that it needs: a second factor, an organisation.
    sts: Option<String>,
}

pub(super) struct ClerkTokens {
    keys: Keys,
    peers: Peers,
    parties: Parties,
    validation: Validation,
}

impl ClerkTokens {
    pub(super) fn new(peers: Peers, settings: ClerkIssuer) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[settings.issuer.trim_end_matches('/')]);
        // Clerk names no audience unless a template says so.
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self {
            keys: Keys::of(Source::Clerk, peers.clone()),
            peers,
            parties: settings.authorized_parties,
            validation,
        }
    }

    /// The local user of the Clerk user whom `token` names.
    pub(super) async fn verify(&self, token: &str, key_id: &str) -> Result<Verified, Error> {
        let key = self.keys.key(key_id).await?;
        let token = jsonwebtoken::decode::<Claims>(token, &key, &self.validation);
        let claims = token.map_err(refused)?.claims;
        let is_active = claims.sts.is_none_or(|status| status == ACTIVE);
        if !is_active || !self.parties.include(claims.azp.as_deref()) {
            return Err(Error::of(Code::Unauthenticated));
        }
        let resolve = ResolveClerkUserRequest {
            clerk_id: claims.sub,
        };
        let resolved = self.peers.auth().resolve_clerk_user(resolve).await?;
        Verified::new(resolved.into_inner().user_id, claims.exp)
    }
}

#[cfg(test)]
mod tests {
    use super::Parties;

    fn parties(text: &str) -> Parties {
        let Ok(parties) = text.parse();
        parties
    }

    #[test]
    fn a_token_of_a_page_is_for_the_pages_that_are_named() {
        let some = parties("https://shop.example, https://admin.example");
        assert!(some.include(Some("https://admin.example")));
        assert!(!some.include(Some("https://evil.example")));
        assert!(some.include(None), "a native app");
        for any in ["", " , "] {
            assert!(parties(any).include(Some("https://evil.example")));
        }
    }
}
