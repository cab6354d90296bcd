use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use reen_error::{Code, Failure};
use reen_proto::auth::v1 as proto;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// A stand-in for auth's ledger: keeps which fees it took and gave back.
#[derive(Clone)]
pub(crate) struct Ledger {
    book: Arc<Mutex<Book>>,
    /// While this is closed, a charge is booked but not answered.
    gate: watch::Sender<bool>,
}

#[derive(Default)]
struct Book {
    charges: HashMap<String, proto::ChargeFeeRequest>,
    reversed: HashSet<String>,
    refuse: Option<Code>,
    lose_answers: bool,
    reversals_fail: bool,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            book: Arc::default(),
            gate: watch::Sender::new(true),
        }
    }

    /// What sellers have paid and not got back.
    pub(crate) fn taken(&self) -> i64 {
        let book = self.book.lock().unwrap();
        let kept = book
            .charges
            .iter()
            .filter(|(id, _)| !book.reversed.contains(*id));
        kept.map(|(_, charge)| charge.amount_cents).sum()
    }

    pub(crate) fn charges(&self) -> Vec<proto::ChargeFeeRequest> {
        let book = self.book.lock().unwrap();
        book.charges.values().cloned().collect()
    }

    pub(crate) fn reversals(&self) -> HashSet<String> {
        self.book.lock().unwrap().reversed.clone()
    }

    /// Refuses all charges from now on.
    pub(crate) fn refuse(&self, code: Code) {
        self.book.lock().unwrap().refuse = Some(code);
    }

    /// Books charges from now on, but the caller does not hear of it.
    pub(crate) fn lose_answers(&self) {
        self.book.lock().unwrap().lose_answers = true;
    }

    pub(crate) fn let_reversals_fail(&self, fail: bool) {
        self.book.lock().unwrap().reversals_fail = fail;
    }

    /// Books charges from now on, but answers only once [`Self::answer`] is called.
    pub(crate) fn keep_waiting(&self) {
        self.gate.send_replace(false);
    }

    pub(crate) fn answer(&self) {
        self.gate.send_replace(true);
    }

    fn book_charge(&self, charge: proto::ChargeFeeRequest) -> Result<(), Failure> {
        let operation = charge.operation.clone().expect("an operation");
        assert_eq!((&operation.id, operation.epoch), (&operation.saga, 1));
        let mut book = self.book.lock().unwrap();
        if let Some(code) = book.refuse {
            return Err(Failure::new(code, code.title()));
        }
        if book.reversed.contains(&operation.id) {
            return Err(Failure::new(Code::OperationVoided, "undone before"));
        }
        book.charges.insert(operation.id, charge);
        if book.lose_answers {
            return Err(Failure::new(Code::Unavailable, "lost"));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl proto::auth_server::Auth for Ledger {
    async fn charge_fee(
        &self,
        request: Request<proto::ChargeFeeRequest>,
    ) -> Result<Response<proto::ChargeFeeResponse>, Status> {
        self.book_charge(request.into_inner())?;
        let mut gate = self.gate.subscribe();
        gate.wait_for(|open| *open).await.expect("the test goes on");
        Ok(Response::new(proto::ChargeFeeResponse { balance_cents: 0 }))
    }

    async fn reverse_fee(
        &self,
        request: Request<proto::ReverseFeeRequest>,
    ) -> Result<Response<proto::ReverseFeeResponse>, Status> {
        let reversal = request.into_inner();
        let operation = reversal.operation.expect("an operation");
        assert_eq!(operation.saga, reversal.fee_operation_id);
        assert_ne!(operation.id, reversal.fee_operation_id);
        assert_eq!(operation.epoch, 2);
        let mut book = self.book.lock().unwrap();
        if book.reversals_fail {
            return Err(Failure::new(Code::Unavailable, "away").into());
        }
        book.reversed.insert(reversal.fee_operation_id);
        Ok(Response::new(proto::ReverseFeeResponse {}))
    }
}
