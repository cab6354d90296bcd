//! What must be true of a purchase that no saga is at. Pure: everything was read before.

mod effects;
mod end;
mod goods;
mod money;

#[cfg(test)]
mod tests;

use super::gather::Purchase;
use crate::Terms;
use crate::finding::{Finding, Notes, Subject};
use crate::order::Order;

pub(super) fn judge(purchase: &Purchase, terms: Terms) -> Vec<Finding> {
    let mut notes = Notes::on(Subject::new("checkout", purchase.checkout.id));
    end::has_one_end(purchase, &mut notes);
    end::is_what_was_agreed(purchase, &mut notes);
    goods::are_where_they_belong(purchase, terms, &mut notes);
    money::is_posted(purchase, &mut notes);
    effects::are_there_once(purchase, &mut notes);
    notes.into_findings()
}

impl Purchase {
    /// The order that its checkout became. Where there is none, nothing of a purchase may be left.
    fn order(&self) -> Option<&Order> {
        self.orders.first()
    }
}
