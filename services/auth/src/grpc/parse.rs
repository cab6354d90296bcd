//! From messages to what the domain knows.

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Caller;
use reen_error::{Failure, FieldFailure};
use reen_proto::auth::v1 as proto;
use reen_proto::paging::v1::Keyset;
use reen_proto::time::to_millis;
use secrecy::SecretString;

use crate::domain::{
    Charge, ClerkUser, Client, Email, Name, OpaqueToken, Password, Purchase, Role, Share, UserKey,
    check_count,
};
use crate::error::Error;

/// Whoever asks.
const MYSELF: &str = "me";

/// Behind whom a page of users begins.
pub(super) fn position(keyset: &Keyset) -> Result<Option<ObjectId>, Failure> {
    let after = keyset.after.as_ref();
    after.map(|last| object_id("after", &last.id)).transpose()
}

/// Who asks, if anybody is signed in, and for whom.
pub(super) fn viewer_and_key(
    caller: &Caller,
    key: &str,
) -> Result<(Option<ObjectId>, UserKey), Failure> {
    let viewer = match &caller.user {
        Some(user) => Some(object_id("user", user)?),
        None => None,
    };
    let key = if key == MYSELF { caller.user()? } else { key };
    // A key that cannot be one belongs to nobody.
    let key = UserKey::parse(key).ok_or_else(|| Failure::from_error(&Error::NotFound))?;
    Ok((viewer, key))
}

/// The id of a user, who must be the one on whose behalf the call is made.
pub(super) fn own_id(caller: &Caller, id: &str) -> Result<ObjectId, Failure> {
    if caller.user()? != id {
        return Err(Failure::from_error(&Error::NotFound));
    }
    object_id("userId", id)
}

/// Ids that can belong to somebody; others are unknown like any that belongs to nobody.
pub(super) fn known_ids(ids: &[String]) -> Result<Vec<ObjectId>, Failure> {
    check_count("ids", ids.len()).map_err(|field| Failure::invalid(vec![field]))?;
    let known = ids.iter().filter_map(|id| ObjectId::parse_str(id).ok());
    Ok(known.collect())
}

pub(super) fn object_id(field: &str, id: &str) -> Result<ObjectId, Failure> {
    ObjectId::parse_str(id).map_err(|_| invalid(field, "not_an_id", "must be 24 hex digits"))
}

/// A user as the identity provider tells of them. An address that we could not write to is none: the
/// user is there all the same.
pub(super) fn clerk_user(asked: &proto::SyncClerkUserRequest) -> Result<ClerkUser, Failure> {
    let updated_at = asked.updated_at.as_ref();
    let updated_at = updated_at.ok_or_else(|| invalid("updatedAt", "required", "must be given"))?;
    Ok(ClerkUser {
        clerk_id: clerk_id(&asked.clerk_id)?.to_owned(),
        name: Name::parse(&asked.name).map_err(|field| Failure::invalid(vec![field]))?,
        email: Email::parse(&asked.email).ok(),
        is_email_verified: asked.email_verified,
        updated_at: DateTime::from_millis(to_millis(updated_at)),
    })
}

/// The password that is to come, named as the client names it.
pub(super) fn new_password(text: String) -> Result<Password, Failure> {
    Password::parse(SecretString::from(text)).map_err(|mut field| {
        "newPassword".clone_into(&mut field.field);
        Failure::invalid(vec![field])
    })
}

/// Who signs in; nothing is known of a client that the gateway does not tell of.
pub(super) fn client(client: Option<proto::Client>) -> Client {
    let proto::Client {
        network,
        device_token,
    } = client.unwrap_or_default();
    let device = Some(device_token).filter(|token| !token.is_empty());
    Client {
        network,
        device: device.map(OpaqueToken::presented),
    }
}

/// An id of the identity provider.
pub(super) fn clerk_id(id: &str) -> Result<&str, Failure> {
    match UserKey::parse(id) {
        Some(UserKey::Clerk(_)) => Ok(id),
        _ => Err(invalid("clerkId", "not_an_id", "must be an id of Clerk")),
    }
}

/// A role that a user can choose.
pub(super) fn wanted_role(role: i32) -> Result<Role, Failure> {
    match proto::Role::try_from(role) {
        Ok(proto::Role::Seller) => Ok(Role::Seller),
        Ok(proto::Role::Buyer) => Ok(Role::Buyer),
        Ok(_) | Err(_) => Err(invalid(
            "role",
            "not_in_list",
            "must be one of: seller, buyer",
        )),
    }
}

/// A role that is asked for, if one is.
fn required_role(role: i32) -> Result<Option<Role>, Failure> {
    match proto::Role::try_from(role) {
        Ok(proto::Role::Unspecified) => Ok(None),
        _ => wanted_role(role).map(Some),
    }
}

pub(super) fn charge(asked: &proto::ChargeFeeRequest) -> Result<Charge, Failure> {
    if asked.kind() != proto::FeeKind::Listing {
        return Err(invalid("kind", "not_in_list", "must be one of: listing"));
    }
    Ok(Charge {
        user_id: object_id("userId", &asked.user_id)?,
        required_role: required_role(asked.required_role)?,
        amount_cents: asked.amount_cents,
    })
}

pub(super) fn shares(shares: &[proto::SellerShare]) -> Result<Vec<Share>, Failure> {
    let share = |share: &proto::SellerShare| {
        Ok(Share {
            seller_id: object_id("shares.sellerId", &share.seller_id)?,
            amount_cents: share.amount_cents,
        })
    };
    shares.iter().map(share).collect()
}

pub(super) fn purchase(asked: &proto::RecordPurchaseRequest) -> Result<Purchase, Failure> {
    let seller_ids = asked.seller_ids.iter();
    Ok(Purchase {
        buyer_id: object_id("buyerId", &asked.buyer_id)?,
        seller_ids: seller_ids
            .map(|id| object_id("sellerIds", id))
            .collect::<Result<_, _>>()?,
    })
}

/// The id of the operation that is to be undone.
pub(super) fn operation_id<'asked>(field: &str, id: &'asked str) -> Result<&'asked str, Failure> {
    if id.is_empty() {
        return Err(invalid(field, "required", "must be given"));
    }
    Ok(id)
}

fn invalid(field: &str, code: &str, message: &str) -> Failure {
    Failure::invalid(vec![FieldFailure::new(field, code, message)])
}
