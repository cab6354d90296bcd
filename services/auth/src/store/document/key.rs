use bson::{Binary, DateTime};
use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

use crate::domain::{PublishedKey, SigningKey};

/// A key pair. All are published, so that tokens of an earlier key stay good; one signs.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct KeyDocument {
    /// The key's thumbprint, `kid` of the tokens that it signs.
    #[serde(rename = "_id")]
    pub(in crate::store) id: String,
    pub(in crate::store) public_key: String,
    /// The private half, as PKCS #8. Whoever reads this database can sign.
    pub(in crate::store) pkcs8: Binary,
    pub(in crate::store) created_at: DateTime,
}

impl From<KeyDocument> for SigningKey {
    fn from(key: KeyDocument) -> Self {
        Self {
            published: PublishedKey {
                id: key.id,
                x: key.public_key,
            },
            pkcs8: SecretSlice::from(key.pkcs8.bytes),
        }
    }
}

/// A key pair, read without its private half.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct PublicKeyDocument {
    #[serde(rename = "_id")]
    id: String,
    public_key: String,
}

impl From<PublicKeyDocument> for PublishedKey {
    fn from(key: PublicKeyDocument) -> Self {
        Self {
            id: key.id,
            x: key.public_key,
        }
    }
}
