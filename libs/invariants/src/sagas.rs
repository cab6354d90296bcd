//! Each saga: it has ended, or it is still young.

use std::collections::HashSet;

use bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

use crate::databases::{CHECKOUTS, INBOX, Owner, SAGAS, Source};
use crate::fields::{id_text, read};
use crate::finding::{Finding, Invariant, Notes, Subject};
use crate::purchase::{ORDER_COMPLETED, PaymentState, SagaStatus, existing};
use crate::sweep::{Check, Checker, Suspect, judged};
use crate::terms::age;
use crate::{Error, Terms};

/// The words of those that have not ended.
pub(crate) const UNSETTLED: [&str; 4] = ["running", "compensating", "closing", "stuck"];

pub(crate) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    let sagas = Sagas {
        sagas: checker.source(Owner::Events, SAGAS),
        checkouts: checker.source(Owner::Checkout, CHECKOUTS),
        terms: checker.terms,
    };
    checker.sweep(&sagas).await?;
    let events = Events {
        inbox: checker.source(Owner::Events, INBOX),
        sagas: sagas.sagas,
    };
    checker.sweep(&events).await
}

struct Sagas {
    sagas: Source,
    checkouts: Source,
    terms: Terms,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saga {
    #[serde(rename = "_id")]
    id: String,
    kind: String,
    key: String,
    status: SagaStatus,
    created_at: DateTime,
    #[serde(default)]
    refusal: Option<Refusal>,
    state: Document,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    step: String,
    code: String,
}

impl Check for Sagas {
    const SUBJECTS: &'static str = "sagas";

    fn source(&self) -> Source {
        self.sagas.clone()
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let sagas = self.sagas.by_ids(ids, doc! {"log": 0}).await?;
        let named = sagas.iter().filter_map(|saga| saga.get_str("key").ok());
        let known = existing(&self.checkouts, named).await?;
        Ok(judged(sagas, |saga| self.judge(saga, &known)))
    }
}

impl Sagas {
    fn judge(&self, saga: Document, known: &HashSet<String>) -> Vec<Finding> {
        let saga: Saga = match read("saga", Invariant::NothingLost, saga) {
            Ok(saga) => saga,
            Err(unreadable) => return vec![unreadable],
        };
        let mut notes = Notes::on(Subject::new("saga", &saga.id));
        let is_own = saga.id == format!("{}:{}", saga.kind, saga.key);
        notes.demand(is_own, Invariant::Once, || {
            format!("is a second one of kind {} and key {}", saga.kind, saga.key)
        });
        self.has_ended(&saga, &mut notes);
        // Where there is a checkout, it was judged with it.
        if saga.kind == ORDER_COMPLETED && saga.status.has_ended() && !known.contains(&saga.key) {
            paid_back(&saga, &mut notes);
        }
        notes.into_findings()
    }

    fn has_ended(&self, saga: &Saga, notes: &mut Notes) {
        let is_stuck = saga.status == SagaStatus::Stuck;
        let is_late = is_stuck || self.terms.is_late_saga(saga.created_at);
        if saga.status.has_ended() || !is_late {
            return;
        }
        // Of a payment, this is the state that must not last: paid, and neither order nor refund.
        let invariant = match saga.kind.as_str() {
            ORDER_COMPLETED => Invariant::OneEnd,
            _ => Invariant::NothingLost,
        };
        let status = saga.status.word();
        let began = age(saga.created_at);
        let why = saga.refusal.as_ref().map_or_else(String::new, |refusal| {
            format!(", refused by {} with {}", refusal.step, refusal.code)
        });
        notes.note(invariant, format!("is {status} and began {began} ago{why}"));
    }
}

/// A payment for a checkout that is not there can only go back.
fn paid_back(saga: &Saga, notes: &mut Notes) {
    let state = bson::deserialize_from_document::<PaymentState>(saga.state.clone());
    let refund = state.ok().and_then(|state| state.refund_id);
    let is_back = saga.status == SagaStatus::Compensated && refund.is_some();
    notes.demand(is_back, Invariant::OneEnd, || {
        let status = saga.status.word();
        format!("is {status}, of no checkout, and without a refund on record")
    });
}

/// Events that were taken in.
struct Events {
    inbox: Source,
    sagas: Source,
}

impl Check for Events {
    const SUBJECTS: &'static str = "events";

    fn source(&self) -> Source {
        self.inbox.clone()
    }

    fn filter(&self) -> Document {
        doc! {"sagaId": {"$exists": true}}
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let events = self.inbox.by_ids(ids, doc! {"sagaId": 1}).await?;
        let asked = events
            .iter()
            .filter_map(|event| event.get("sagaId").cloned());
        let asked: Vec<Bson> = asked.collect();
        let sagas = self.sagas.by_ids(asked, doc! {"_id": 1}).await?;
        let there: HashSet<String> = sagas.iter().map(|it| id_text(it.get("_id"))).collect();
        Ok(judged(events, |event| {
            let saga = id_text(event.get("sagaId"));
            let mut notes = Notes::on(Subject::new("event", id_text(event.get("_id"))));
            notes.demand(there.contains(&saga), Invariant::NothingLost, || {
                format!("began saga {saga}, which is not there")
            });
            notes.into_findings()
        }))
    }
}
