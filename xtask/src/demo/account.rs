//! People who buy and sell.

use anyhow::Result;
use serde_json::json;

use super::api::{Api, text};
use super::money::Cents;
use crate::mesh::random_hex;

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl Account {
    /// Signs up under an address that nobody has.
    pub(crate) fn sign_up(api: &Api, name: &str) -> Result<Self> {
        let secret = random_hex()?;
        let (unique, password) = secret.split_at(12);
        let address = name.to_lowercase().replace(' ', ".");
        let email = format!("{address}.{unique}@reen.example");
        let body = json!({ "name": name, "email": email, "password": format!("Demo-{password}") });
        let answer = api.post("/auth/sign-up", None, &body)?;
        let token = text(&answer, "accessToken")?.to_owned();
        Ok(Self {
            name: name.to_owned(),
            email,
            token,
        })
    }

    /// Pays for the right to sell.
    pub(crate) fn become_seller(&self, api: &Api) -> Result<()> {
        let body = json!({ "role": "ADMIN" });
        api.post("/auth/update-user-role", Some(&self.token), &body)?;
        Ok(())
    }

    pub(crate) fn balance(&self, api: &Api) -> Result<Cents> {
        let user = api.get("/auth/users/me", Some(&self.token))?;
        Cents::from_json(&user["balance"])
    }

    /// Puts a product into the catalogue and returns its id.
    pub(crate) fn list_product(&self, api: &Api, product: &Product<'_>) -> Result<String> {
        let body = json!({
            "name": product.name,
            "description": product.description,
            "price": product.price.to_json()?,
            "quantity": product.quantity,
            "imageUrls": [product.image()],
        });
        let answer = api.post("/products", Some(&self.token), &body)?;
        Ok(text(&answer, "id")?.to_owned())
    }
}

/// Something to sell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) price: Cents,
    pub(crate) quantity: u32,
}

impl Product<'_> {
    /// A picture that is always the same for the same name.
    fn image(&self) -> String {
        let seed = self
            .name
            .to_lowercase()
            .replace(|letter: char| !letter.is_alphanumeric(), "-");
        format!("https://picsum.photos/seed/{seed}/800/600")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_by_its_product() {
        let product = Product {
            name: "Oak Desk, 140 cm",
            description: "",
            price: Cents(1),
            quantity: 1,
        };
        assert_eq!(
            product.image(),
            "https://picsum.photos/seed/oak-desk--140-cm/800/600"
        );
    }
}
