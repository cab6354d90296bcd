use bson::spec::BinarySubtype;
use bson::{Binary, DateTime};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::{Deserialize, Serialize};

use crate::domain::{DatedKey, PublishedKey, SigningKey};

/// A key pair. What it does follows from when it and the next one begin to sign.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct KeyDocument {
    /// The key's thumbprint, `kid` of the tokens that it signs.
    #[serde(rename = "_id")]
    id: String,
    generation: i64,
    public_key: String,
    /// The private half, as PKCS #8. Whoever reads this database can sign.
    pkcs8: Binary,
    signs_from: DateTime,
    created_at: DateTime,
}

impl From<KeyDocument> for DatedKey {
    fn from(key: KeyDocument) -> Self {
        Self {
            key: SigningKey {
                published: PublishedKey {
                    id: key.id,
                    x: key.public_key,
                },
                pkcs8: SecretSlice::from(key.pkcs8.bytes),
            },
            generation: key.generation,
            signs_from: key.signs_from,
        }
    }
}

impl From<&DatedKey> for KeyDocument {
    fn from(dated: &DatedKey) -> Self {
        let SigningKey { published, pkcs8 } = &dated.key;
        Self {
            id: published.id.clone(),
            generation: dated.generation,
            public_key: published.x.clone(),
            pkcs8: Binary {
                subtype: BinarySubtype::Generic,
                bytes: pkcs8.expose_secret().to_vec(),
            },
            signs_from: dated.signs_from,
            created_at: DateTime::now(),
        }
    }
}
