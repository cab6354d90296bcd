//! The rules of orders, without I/O.

mod new_order;
mod order;
mod page;
mod status;

pub(crate) use new_order::{CheckoutId, NewLine, NewOrder};
pub(crate) use order::{Order, OrderLine, Sale, products, sellers};
pub(crate) use page::Page;
pub(crate) use status::{IllegalTransition, Status, Step};
