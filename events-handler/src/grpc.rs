//! The adapter for operators: parse, call, map.

mod letters;

use std::sync::Arc;

use bson::DateTime;
use reen_chassis::server::refuse;
use reen_chassis::{Answered, Caller, RequestKey};
use reen_error::{Failure, FieldFailure};
use reen_proto::paging::v1::position::Key;
use reen_proto::paging::v1::{Keyset, Position};
use reen_proto::sagas::v1 as proto;
use reen_proto::time::{from_millis, to_millis};
use tonic::{Request, Response, Status as Refusal};

use crate::error::Error;
use crate::events::EVENTS;
use crate::service::{Finding, FindingKind, Operators, Reconciler};
use crate::store::{Claim, Entry, Idempotency, LogEntry, Saga, SagaFilter, Status};

/// The gateway asks on behalf of operators, the command line for whoever has the secret.
const OPERATORS: &[&str] = &["gateway", "reen"];
const LONGEST_ID: usize = 200;
const LONGEST_REASON: usize = 500;
const LONGEST_LIST: i32 = 1_000;

pub(crate) struct Grpc {
    operators: Arc<Operators>,
    reconciler: Arc<Reconciler>,
    idempotency: Idempotency,
}

impl Grpc {
    pub(crate) fn new(
        operators: Arc<Operators>,
        reconciler: Arc<Reconciler>,
        idempotency: Idempotency,
    ) -> Self {
        Self {
            operators,
            reconciler,
            idempotency,
        }
    }

    /// How a saga is answered.
    fn view(&self) -> impl Fn(Saga) -> proto::Saga + Send + Sync + use<> {
        let operators = Arc::clone(&self.operators);
        move |saga| summary(&operators, &saga)
    }
}

#[tonic::async_trait]
impl proto::sagas_server::Sagas for Grpc {
    async fn list_sagas(
        &self,
        request: Request<proto::ListSagasRequest>,
    ) -> Result<Response<proto::ListSagasResponse>, Refusal> {
        let asked = for_operators(request)?;
        let limit = i64::from(limit(asked.limit)?);
        let filter = SagaFilter {
            status: wanted_status(asked.status)?,
            kind: Some(asked.kind).filter(|kind| !kind.is_empty()),
            before: asked
                .before
                .as_ref()
                .map(|time| DateTime::from_millis(to_millis(time))),
            after: asked.keyset.as_ref().and_then(place).transpose()?,
            // One more tells whether there is another page.
            limit: limit + i64::from(asked.keyset.is_some()),
        };
        let sagas = self.operators.list(&filter).await;
        answer(sagas.map(|sagas| {
            let shown = sagas
                .len()
                .min(usize::try_from(limit).unwrap_or(usize::MAX));
            let last = shown.checked_sub(1).and_then(|last| sagas.get(last));
            let next = last.filter(|_| sagas.len() > shown).map(position);
            let sagas = sagas.iter().take(shown);
            proto::ListSagasResponse {
                sagas: sagas.map(|saga| summary(&self.operators, saga)).collect(),
                next,
            }
        }))
    }

    async fn get_saga(
        &self,
        request: Request<proto::GetSagaRequest>,
    ) -> Result<Response<proto::SagaDetails>, Refusal> {
        let id = saga_id(for_operators(request)?.id)?;
        let found = self.operators.find(&id).await;
        answer(found.map(|saga| proto::SagaDetails {
            saga: Some(summary(&self.operators, &saga)),
            owed: saga.owed,
            state_json: serde_json::to_string(&saga.state).unwrap_or_default(),
            log: saga.log.into_iter().map(log_entry).collect(),
        }))
    }

    async fn retry_saga(
        &self,
        request: Request<proto::RetrySagaRequest>,
    ) -> Result<Response<proto::Saga>, Refusal> {
        let key = RequestKey::of(&request);
        let id = saga_id(for_operators(request)?.id)?;
        let operators = Arc::clone(&self.operators);
        let retrying = move |claim| async move { operators.retry(&id, &claim).await };
        Answered::respond(self.idempotency.once(key, self.view(), retrying).await)
    }

    async fn compensate_saga(
        &self,
        request: Request<proto::CompensateSagaRequest>,
    ) -> Result<Response<proto::Saga>, Refusal> {
        let key = RequestKey::of(&request);
        let asked = for_operators(request)?;
        let id = saga_id(asked.id)?;
        let reason = within("reason", asked.reason, LONGEST_REASON)?;
        let operators = Arc::clone(&self.operators);
        let turning = move |claim| async move { operators.compensate(&id, &reason, &claim).await };
        Answered::respond(self.idempotency.once(key, self.view(), turning).await)
    }

    async fn list_dead_letters(
        &self,
        request: Request<proto::ListDeadLettersRequest>,
    ) -> Result<Response<proto::ListDeadLettersResponse>, Refusal> {
        let limit = limit(for_operators(request)?.limit)?;
        let limit = u16::try_from(limit).unwrap_or(u16::MAX);
        let found = self.operators.dead_letters(limit).await;
        answer(
            found.map(|(letters, total)| proto::ListDeadLettersResponse {
                letters: letters.iter().map(letters::view).collect(),
                total: i64::try_from(total).unwrap_or(i64::MAX),
            }),
        )
    }

    async fn replay_dead_letters(
        &self,
        request: Request<proto::ReplayDeadLettersRequest>,
    ) -> Result<Response<proto::ReplayDeadLettersResponse>, Refusal> {
        let key = RequestKey::of(&request);
        let asked = for_operators(request)?;
        let ids = match (asked.all, asked.ids) {
            (true, ids) if ids.is_empty() => None,
            (true, _) => {
                return Err(invalid("ids", "unexpected", "must be empty with `all`").into());
            }
            (false, ids) => Some(letter_ids(ids)?),
        };
        let operators = Arc::clone(&self.operators);
        // Letters are the broker's: should this process die now, a repeat replays those that are left.
        let replaying = move |_: Claim<u64>| async move { operators.replay(ids.as_deref()).await };
        let view = |count| proto::ReplayDeadLettersResponse {
            replayed: i64::try_from(count).unwrap_or(i64::MAX),
        };
        Answered::respond(self.idempotency.once(key, view, replaying).await)
    }

    async fn drop_dead_letters(
        &self,
        request: Request<proto::DropDeadLettersRequest>,
    ) -> Result<Response<proto::DropDeadLettersResponse>, Refusal> {
        let key = RequestKey::of(&request);
        let ids = letter_ids(for_operators(request)?.ids)?;
        let operators = Arc::clone(&self.operators);
        let dropping = move |_: Claim<u64>| async move { operators.drop_letters(&ids).await };
        let view = |count| proto::DropDeadLettersResponse {
            dropped: i64::try_from(count).unwrap_or(i64::MAX),
        };
        Answered::respond(self.idempotency.once(key, view, dropping).await)
    }

    async fn list_alerts(
        &self,
        request: Request<proto::ListAlertsRequest>,
    ) -> Result<Response<proto::ListAlertsResponse>, Refusal> {
        for_operators(request)?;
        let asked = tokio::join!(
            self.reconciler.findings(),
            self.operators.count_dead_letters()
        );
        let alerts = asked.0.and_then(|found| Ok((found, asked.1?)));
        answer(alerts.map(|(found, dead)| {
            proto::ListAlertsResponse {
                alerts: found
                    .into_iter()
                    .map(alert)
                    .chain(dead_letters(dead))
                    .collect(),
            }
        }))
    }
}

fn summary(operators: &Operators, saga: &Saga) -> proto::Saga {
    proto::Saga {
        id: saga.id.clone(),
        kind: saga.kind.clone(),
        key: saga.key.clone(),
        status: status(saga.status).into(),
        stuck_in: saga.stuck_in.map_or(0, |stuck_in| status(stuck_in).into()),
        epoch: saga.epoch,
        step: operators.next_step(saga),
        attempts: saga.attempts,
        last_failure: last_failure(saga),
        due_at: moment(saga.due_at),
        created_at: moment(saga.created_at),
        updated_at: moment(saga.updated_at),
    }
}

fn for_operators<T>(request: Request<T>) -> Result<T, Failure> {
    Caller::of(&request)?.must_be(OPERATORS)?;
    Ok(request.into_inner())
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Refusal> {
    outcome.map(Response::new).map_err(|error| refuse(&error))
}

/// Behind which saga a page begins.
fn place(keyset: &Keyset) -> Option<Result<(DateTime, String), Failure>> {
    let after = keyset.after.as_ref()?;
    Some(match after.key {
        Some(Key::Number(millis)) => {
            saga_id(after.id.clone()).map(|id| (DateTime::from_millis(millis), id))
        }
        _ => Err(invalid("after", "not_valid", "must be a position of sagas")),
    })
}

fn position(last: &Saga) -> Position {
    Position {
        key: Some(Key::Number(last.created_at.timestamp_millis())),
        id: last.id.clone(),
    }
}

fn saga_id(id: String) -> Result<String, Failure> {
    if id.is_empty() {
        return Err(invalid("id", "required", "must not be empty"));
    }
    within("id", id, LONGEST_ID)
}

fn letter_ids(ids: Vec<String>) -> Result<Vec<String>, Failure> {
    if ids.is_empty() || ids.len() > usize::try_from(LONGEST_LIST).unwrap_or_default() {
        let why = format!("must be from 1 to {LONGEST_LIST} ids");
        return Err(invalid("ids", "out_of_range", &why));
    }
    Ok(ids)
}

fn within(field: &str, text: String, longest: usize) -> Result<String, Failure> {
    if text.chars().count() > longest {
        let why = format!("must be at most {longest} characters");
        return Err(invalid(field, "too_long", &why));
    }
    Ok(text)
}

fn limit(limit: i32) -> Result<i32, Failure> {
    if (1..=LONGEST_LIST).contains(&limit) {
        return Ok(limit);
    }
    let why = format!("must be from 1 to {LONGEST_LIST}");
    Err(invalid("limit", "out_of_range", &why))
}

fn invalid(field: &str, code: &str, why: &str) -> Failure {
    Failure::invalid(vec![FieldFailure::new(field, code, why)])
}

fn wanted_status(status: i32) -> Result<Option<Status>, Failure> {
    use proto::SagaStatus;
    Ok(match SagaStatus::try_from(status) {
        Ok(SagaStatus::Unspecified) => None,
        Ok(SagaStatus::Running) => Some(Status::Running),
        Ok(SagaStatus::Compensating) => Some(Status::Compensating),
        Ok(SagaStatus::Closing) => Some(Status::Closing),
        Ok(SagaStatus::Done) => Some(Status::Done),
        Ok(SagaStatus::Compensated) => Some(Status::Compensated),
        Ok(SagaStatus::Stuck) => Some(Status::Stuck),
        Err(_) => return Err(invalid("status", "not_in_list", "is not known")),
    })
}

fn status(status: Status) -> proto::SagaStatus {
    match status {
        Status::Running => proto::SagaStatus::Running,
        Status::Compensating => proto::SagaStatus::Compensating,
        Status::Closing => proto::SagaStatus::Closing,
        Status::Done => proto::SagaStatus::Done,
        Status::Compensated => proto::SagaStatus::Compensated,
        Status::Stuck => proto::SagaStatus::Stuck,
    }
}

fn moment(time: DateTime) -> Option<prost_types::Timestamp> {
    Some(from_millis(time.timestamp_millis()))
}

/// Steps side by side are noted one after the other: the one that failed need not be the last.
fn last_failure(saga: &Saga) -> String {
    let has_failed = |entry: &&LogEntry| entry.outcome != "ok";
    let last = match saga.attempts {
        0 => saga.log.last().filter(has_failed),
        _ => saga.log.iter().rev().find(has_failed),
    };
    last.map_or_else(String::new, |entry| {
        let message = entry.message.as_deref().unwrap_or_default();
        format!("{}: {}: {message}", entry.step, entry.outcome)
    })
}

fn log_entry(entry: LogEntry) -> proto::SagaLogEntry {
    proto::SagaLogEntry {
        step: entry.step,
        entry: match entry.entry {
            Entry::Acted => "acted".to_owned(),
            Entry::Undone => "undone".to_owned(),
        },
        outcome: entry.outcome,
        message: entry.message.unwrap_or_default(),
        epoch: entry.epoch,
        at: moment(entry.at),
    }
}

fn alert(finding: Finding) -> proto::Alert {
    proto::Alert {
        kind: match finding.kind {
            FindingKind::PaidWithoutOrder => proto::AlertKind::PaidWithoutOrder,
            FindingKind::RefundOwed => proto::AlertKind::RefundOwed,
            FindingKind::SagaStuck => proto::AlertKind::SagaStuck,
            FindingKind::SagaLate => proto::AlertKind::SagaLate,
            FindingKind::UnexpectedMoney => proto::AlertKind::UnexpectedMoney,
        }
        .into(),
        subject: finding.subject,
        what: finding.what,
        hint: finding.hint,
        since: moment(finding.since),
    }
}

/// One alert for all of them; the list of letters has each.
fn dead_letters(count: u64) -> Option<proto::Alert> {
    (count > 0).then(|| proto::Alert {
        kind: proto::AlertKind::DeadLetters.into(),
        subject: EVENTS.dead(),
        what: format!("{count} messages that nobody could work on"),
        hint: "reen dlq list".to_owned(),
        since: None,
    })
}
