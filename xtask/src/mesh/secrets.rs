//! Secrets of this checkout, made up once: sessions and signatures survive a restart.

use std::fs::{self, File};
use std::io::Read;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::run_file::write_private;
use crate::layout::Layout;

/// Used where the user has set nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) service_identity: String,
    /// What auth seals its secrets with: with another one it could not open them.
    pub(crate) auth_secrets_key: String,
    /// For the stand-in, which takes any key.
    pub(crate) stripe_secret_key: String,
    pub(crate) stripe_webhook_signing: String,
}

impl Secrets {
    pub(crate) fn load_or_make(layout: &Layout) -> Result<Self> {
        let file = layout.private_folder("")?.join("secrets.json");
        if let Ok(bytes) = fs::read(&file)
            && let Ok(secrets) = serde_json::from_slice(&bytes)
        {
            return Ok(secrets);
        }
        let secrets = Self {
            service_identity: random_hex()?,
            auth_secrets_key: random_hex()?,
            stripe_secret_key: format!("sk_test_{}", random_hex()?),
            stripe_webhook_signing: format!("whsec_{}", random_hex()?),
        };
        write_private(&file, &serde_json::to_vec_pretty(&secrets)?)?;
        Ok(secrets)
    }
}

/// 32 random bytes as 64 hex digits.
pub(crate) fn random_hex() -> Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("this system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::below(root.path());
        let first = Secrets::load_or_make(&layout).unwrap();
        assert_eq!(first.service_identity.len(), 64);
        assert_eq!(Secrets::load_or_make(&layout).unwrap(), first);
    }
}
