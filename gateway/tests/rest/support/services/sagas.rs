use reen_proto::sagas::v1 as sagas;
use reen_proto::time::from_millis;
use tonic::{Request, async_trait};

use super::{Answer, BORN, SAGA, answer, not_found};
use crate::support::Mesh;

fn saga(status: sagas::SagaStatus) -> sagas::Saga {
    let (kind, key) = SAGA.split_once(':').unwrap();
    sagas::Saga {
        id: SAGA.to_owned(),
        kind: kind.to_owned(),
        key: key.to_owned(),
        status: status.into(),
        epoch: 3,
        attempts: 20,
        due_at: Some(from_millis(BORN)),
        created_at: Some(from_millis(BORN)),
        updated_at: Some(from_millis(BORN)),
        ..sagas::Saga::default()
    }
}

fn stuck() -> sagas::Saga {
    sagas::Saga {
        stuck_in: sagas::SagaStatus::Running.into(),
        step: "commit-hold".to_owned(),
        last_failure: "commit-hold: unavailable: no answer".to_owned(),
        ..saga(sagas::SagaStatus::Stuck)
    }
}

#[async_trait]
impl sagas::sagas_server::Sagas for Mesh {
    async fn list_sagas(
        &self,
        r: Request<sagas::ListSagasRequest>,
    ) -> Answer<sagas::ListSagasResponse> {
        self.note("ListSagas", &r)?;
        let sagas = vec![stuck(), saga(sagas::SagaStatus::Done)];
        answer(sagas::ListSagasResponse { sagas, next: None })
    }

    async fn get_saga(&self, r: Request<sagas::GetSagaRequest>) -> Answer<sagas::SagaDetails> {
        self.note("GetSaga", &r)?;
        if r.get_ref().id != SAGA {
            return Err(not_found());
        }
        let entry = sagas::SagaLogEntry {
            step: "record-payment".to_owned(),
            entry: "acted".to_owned(),
            outcome: "ok".to_owned(),
            epoch: 1,
            at: Some(from_millis(BORN)),
            ..sagas::SagaLogEntry::default()
        };
        answer(sagas::SagaDetails {
            saga: Some(stuck()),
            owed: vec!["record-payment".to_owned(), "commit-hold".to_owned()],
            state_json: r#"{"checkoutId":"c"}"#.to_owned(),
            log: vec![entry],
        })
    }

    async fn retry_saga(&self, r: Request<sagas::RetrySagaRequest>) -> Answer<sagas::Saga> {
        self.note("RetrySaga", &r)?;
        answer(saga(sagas::SagaStatus::Running))
    }

    async fn compensate_saga(
        &self,
        r: Request<sagas::CompensateSagaRequest>,
    ) -> Answer<sagas::Saga> {
        self.note("CompensateSaga", &r)?;
        answer(saga(sagas::SagaStatus::Compensating))
    }

    async fn list_dead_letters(
        &self,
        r: Request<sagas::ListDeadLettersRequest>,
    ) -> Answer<sagas::ListDeadLettersResponse> {
        self.note("ListDeadLetters", &r)?;
        let letter = sagas::DeadLetter {
            id: "letter-1".to_owned(),
            kind: "reen.events.v1.WebhookReceived".to_owned(),
            reason: "it has no amount".to_owned(),
            attempts: 2,
            about: "stripe checkout.session.completed evt_1".to_owned(),
            body: r#"{"id":"evt_1"}"#.to_owned(),
            died_at: Some(from_millis(BORN)),
        };
        let letters = vec![letter];
        answer(sagas::ListDeadLettersResponse { letters, total: 7 })
    }

    async fn replay_dead_letters(
        &self,
        r: Request<sagas::ReplayDeadLettersRequest>,
    ) -> Answer<sagas::ReplayDeadLettersResponse> {
        self.note("ReplayDeadLetters", &r)?;
        answer(sagas::ReplayDeadLettersResponse { replayed: 2 })
    }

    async fn drop_dead_letters(
        &self,
        r: Request<sagas::DropDeadLettersRequest>,
    ) -> Answer<sagas::DropDeadLettersResponse> {
        self.note("DropDeadLetters", &r)?;
        answer(sagas::DropDeadLettersResponse { dropped: 1 })
    }

    async fn list_alerts(
        &self,
        r: Request<sagas::ListAlertsRequest>,
    ) -> Answer<sagas::ListAlertsResponse> {
        self.note("ListAlerts", &r)?;
        let alert = sagas::Alert {
            kind: sagas::AlertKind::SagaStuck.into(),
            subject: SAGA.to_owned(),
            what: "it waits for an operator".to_owned(),
            hint: format!("reen saga show {SAGA}"),
            since: Some(from_millis(BORN)),
        };
        let letters = sagas::Alert {
            kind: sagas::AlertKind::DeadLetters.into(),
            subject: "reen.events.dead".to_owned(),
            ..sagas::Alert::default()
        };
        let alerts = vec![alert, letters];
        answer(sagas::ListAlertsResponse { alerts })
    }
}
