//! The rules of orders, without I/O.

mod new_order;
mod order;
mod page;
mod refund;
mod refunding;
mod share;
mod status;

pub(crate) use new_order::{CheckoutId, NewLine, NewOrder};
pub(crate) use order::{Order, OrderLine, Sale, products, sellers};
pub(crate) use page::{Listed, Page, Start};
pub(crate) use refund::{OutsideRefund, Refund, RefundRefusal, RefundStatus, Requester, Wish};
pub(crate) use share::{Share, apportion};
pub(crate) use status::{IllegalTransition, Status, Step};
