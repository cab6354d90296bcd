use reen_proto::auth::v1 as proto;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What an API key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum Scope {
    /// To list, change and remove products.
    #[serde(rename = "products:write")]
    ProductsWrite,
    /// To see orders and sales.
    #[serde(rename = "orders:read")]
    OrdersRead,
    /// To move orders on and to give money back.
    #[serde(rename = "orders:write")]
    OrdersWrite,
    /// To see the cart.
    #[serde(rename = "cart:read")]
    CartRead,
    /// To change the cart.
    #[serde(rename = "cart:write")]
    CartWrite,
    /// To open, see and cancel checkouts.
    #[serde(rename = "checkout:write")]
    CheckoutWrite,
    /// To see the user's own account.
    #[serde(rename = "account:read")]
    AccountRead,
}

impl Scope {
    /// The scope that a document names.
    pub(crate) fn named(word: &Value) -> Option<Self> {
        Self::deserialize(word).ok()
    }

    /// The scope that auth means; none for one that a newer version of it knows.
    pub(crate) fn known(scope: proto::Scope) -> Option<Self> {
        match scope {
            proto::Scope::ProductsWrite => Some(Self::ProductsWrite),
            proto::Scope::OrdersRead => Some(Self::OrdersRead),
            proto::Scope::OrdersWrite => Some(Self::OrdersWrite),
            proto::Scope::CartRead => Some(Self::CartRead),
            proto::Scope::CartWrite => Some(Self::CartWrite),
            proto::Scope::CheckoutWrite => Some(Self::CheckoutWrite),
            proto::Scope::AccountRead => Some(Self::AccountRead),
            proto::Scope::Unspecified => None,
        }
    }
}

impl From<Scope> for proto::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::ProductsWrite => Self::ProductsWrite,
            Scope::OrdersRead => Self::OrdersRead,
            Scope::OrdersWrite => Self::OrdersWrite,
            Scope::CartRead => Self::CartRead,
            Scope::CartWrite => Self::CartWrite,
            Scope::CheckoutWrite => Self::CheckoutWrite,
            Scope::AccountRead => Self::AccountRead,
        }
    }
}
