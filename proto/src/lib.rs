//! The contracts between the processes: `reen.<service>.v1`, generated from the `.proto` files beside this crate.
//!
//! Verbs are use cases, never remote tables. Money is `int64 …_cents`. Every mutating call that a saga
//! makes carries an [`operation::v1::Operation`]. Field numbers are never reused.

pub mod time;

/// Every contract as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! contract {
    ($module:ident, $package:literal, $about:literal $(, $extra:item)*) => {
        #[doc = $about]
        pub mod $module {
            $($extra)*
            /// Version 1.
            #[allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                clippy::allow_attributes_without_reason,
                clippy::large_futures,
                reason = "generated; the comments of the .proto files are its documentation"
            )]
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    };
}

contract!(
    operation,
    "reen.operation.v1",
    "What a saga says about itself with every call."
);
contract!(
    paging,
    "reen.paging.v1",
    "Where a page of a list begins and ends."
);
contract!(auth, "reen.auth.v1", "Identity, sessions, the ledger.");
contract!(products, "reen.products.v1", "The catalogue and its stock.");
contract!(
    cart_items,
    "reen.cart_items.v1",
    "What each user means to buy."
);
contract!(
    checkout,
    "reen.checkout.v1",
    "From a cart to a payment page."
);
contract!(orders, "reen.orders.v1", "What was bought.");
contract!(
    sagas,
    "reen.sagas.v1",
    "What operators see of sagas and dead letters."
);
contract!(
    events,
    "reen.events.v1",
    "What travels over the broker.",
    /// The work queue on which everything of this package travels that has to be done.
    pub const QUEUE: &str = "reen.events";,
    /// The exchange on which [`v1::ProductsChanged`] is announced to whoever listens.
    pub const PRODUCTS_CHANGED: &str = "reen.products.changed";
);
