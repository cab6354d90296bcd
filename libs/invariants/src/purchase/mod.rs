//! Each purchase over all services: what became of its money, its stock, its order, and whether these
//! fit together.

mod busy;
mod documents;
mod gather;
mod judge;
mod names;
mod strays;

use bson::Bson;

pub(crate) use documents::{CheckoutLine, PaymentState, Posting, SagaStatus};
pub(crate) use names::{ORDER_COMPLETED, POST_SALE, checkout_of_step, refund_of_operation};
pub(crate) use strays::existing;

use self::gather::{Gathered, Sources};
use crate::databases::{CHECKOUTS, Owner, Source};
use crate::finding::Finding;
use crate::sweep::{Check, Checker, Suspect};
use crate::tally::{self, Doubles};
use crate::{Error, Terms};

pub(crate) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let purchases = Purchases {
        sources: Sources::of(checker.databases),
        terms: checker.terms,
    };
    checker.sweep(&purchases).await?;
    let checkouts = checker.source(Owner::Checkout, CHECKOUTS);
    for (field, kind) in [("payment.intentId", "payment"), ("refundId", "refund")] {
        let doubles = Doubles::of_field(checkouts.clone(), field, kind, "checkouts");
        tally::check_doubles(checker, &doubles).await?;
    }
    strays::check(checker).await
}

/// From the checkouts to everything that belongs to them.
struct Purchases {
    sources: Sources,
    terms: Terms,
}

impl Check for Purchases {
    const SUBJECTS: &'static str = "checkouts";

    fn source(&self) -> Source {
        self.sources.checkouts.clone()
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let gathered = self.sources.gather(ids).await?;
        let judged = gathered.into_iter().map(|(id, purchase)| Suspect {
            id,
            findings: self.judge(purchase),
        });
        Ok(judged
            .filter(|suspect| !suspect.findings.is_empty())
            .collect())
    }
}

impl Purchases {
    fn judge(&self, gathered: Gathered) -> Vec<Finding> {
        match gathered {
            // Its saga will be judged instead, by its age.
            Gathered::OnItsWay => Vec::new(),
            Gathered::Unreadable(finding) => vec![finding],
            Gathered::Settled(purchase) => judge::judge(&purchase, self.terms),
        }
    }
}
