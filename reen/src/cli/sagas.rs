use std::fmt::Write as _;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use reen_chassis::client::PeerChannel;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use reen_proto::sagas::v1::{
    CompensateSagaRequest, GetSagaRequest, ListSagasRequest, RetrySagaRequest, Saga, SagaDetails,
    SagaStatus,
};
use serde_json::{Value, json};

use super::Said;
use super::table::{ago, moment, table};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The newest first.
    List {
        /// Only those in this status.
        #[arg(long)]
        status: Option<Status>,
        /// Only those of this kind, e.g. order-completed.
        #[arg(long)]
        kind: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=1_000))]
        limit: i32,
    },
    /// One saga: its state, what it owes, everything that it did.
    Show {
        /// KIND:KEY, as the list shows it.
        id: String,
    },
    /// Goes on now with one that waits or is stuck.
    Retry {
        /// KIND:KEY.
        id: String,
    },
    /// Turns one around: what it owes is undone, and a payment goes back.
    Compensate {
        /// KIND:KEY.
        id: String,
        /// Why; kept in the saga.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Status {
    Running,
    Compensating,
    Closing,
    Done,
    Compensated,
    Stuck,
}

pub(super) async fn run(
    command: Command,
    sagas: &mut SagasClient<PeerChannel>,
) -> anyhow::Result<Said> {
    match command {
        Command::List {
            status,
            kind,
            limit,
        } => {
            let asked = ListSagasRequest {
                status: status.map_or(SagaStatus::Unspecified, Status::proto).into(),
                kind: kind.unwrap_or_default(),
                limit,
                ..ListSagasRequest::default()
            };
            let found = sagas.list_sagas(asked).await?.into_inner().sagas;
            Ok(list(&found))
        }
        Command::Show { id } => {
            let found = sagas.get_saga(GetSagaRequest { id }).await?.into_inner();
            show(&found)
        }
        Command::Retry { id } => {
            let saga = sagas
                .retry_saga(RetrySagaRequest { id })
                .await?
                .into_inner();
            let text = format!("{} goes on: reen saga show {}", saga.id, saga.id);
            Ok(Said::fine(text, summary(&saga)))
        }
        Command::Compensate { id, reason } => {
            let turned = sagas.compensate_saga(CompensateSagaRequest { id, reason });
            let saga = turned.await?.into_inner();
            let text = format!("{} is turned around: reen saga show {}", saga.id, saga.id);
            Ok(Said::fine(text, summary(&saga)))
        }
    }
}

impl Status {
    fn proto(self) -> SagaStatus {
        match self {
            Self::Running => SagaStatus::Running,
            Self::Compensating => SagaStatus::Compensating,
            Self::Closing => SagaStatus::Closing,
            Self::Done => SagaStatus::Done,
            Self::Compensated => SagaStatus::Compensated,
            Self::Stuck => SagaStatus::Stuck,
        }
    }
}

fn list(sagas: &[Saga]) -> Said {
    let row = |saga: &Saga| {
        [
            saga.id.clone(),
            word(saga.status()),
            saga.step.clone(),
            saga.attempts.to_string(),
            ago(saga.updated_at.as_ref()),
            saga.last_failure.clone(),
        ]
    };
    let heading = [
        "SAGA",
        "STATUS",
        "STEP",
        "FAILED",
        "CHANGED",
        "LAST FAILURE",
    ];
    let rows: Vec<_> = sagas.iter().map(row).collect();
    let text = if rows.is_empty() {
        "no saga is like that".to_owned()
    } else {
        table(heading, &rows)
    };
    let json = sagas.iter().map(summary).collect();
    Said::fine(text, Value::Array(json))
}

fn show(details: &SagaDetails) -> anyhow::Result<Said> {
    let saga = details.saga.as_ref().context("the answer has no saga")?;
    let state: Value = serde_json::from_str(&details.state_json).context("its state is no JSON")?;
    let mut text = format!("{}\n  status   {}\n", saga.id, word(saga.status()));
    if saga.stuck_in() != SagaStatus::Unspecified {
        writeln!(text, "  was      {}", word(saga.stuck_in()))?;
    }
    writeln!(text, "  step     {}", saga.step)?;
    writeln!(text, "  owes     {}", details.owed.join(", "))?;
    writeln!(
        text,
        "  epoch    {}, {} failures in a row",
        saga.epoch, saga.attempts
    )?;
    writeln!(text, "  begun    {}", moment(saga.created_at.as_ref()))?;
    writeln!(
        text,
        "  changed  {}\n\nstate\n{state:#}\n",
        moment(saga.updated_at.as_ref())
    )?;
    let row = |entry: &reen_proto::sagas::v1::SagaLogEntry| {
        [
            moment(entry.at.as_ref()),
            entry.epoch.to_string(),
            entry.entry.clone(),
            entry.step.clone(),
            entry.outcome.clone(),
            entry.message.clone(),
        ]
    };
    let rows: Vec<_> = details.log.iter().map(row).collect();
    text.push_str(&table(["AT", "EPOCH", "", "STEP", "OUTCOME", ""], &rows));
    let log = details.log.iter().map(|entry| {
        json!({"at": moment(entry.at.as_ref()), "epoch": entry.epoch, "entry": entry.entry,
            "step": entry.step, "outcome": entry.outcome, "message": entry.message})
    });
    let mut json = summary(saga);
    json["owed"] = json!(details.owed);
    json["state"] = state;
    json["log"] = log.collect();
    Ok(Said::fine(text, json))
}

fn summary(saga: &Saga) -> Value {
    json!({
        "id": saga.id,
        "kind": saga.kind,
        "key": saga.key,
        "status": word(saga.status()),
        "stuckIn": (saga.stuck_in() != SagaStatus::Unspecified).then(|| word(saga.stuck_in())),
        "epoch": saga.epoch,
        "step": saga.step,
        "attempts": saga.attempts,
        "lastFailure": saga.last_failure,
        "dueAt": moment(saga.due_at.as_ref()),
        "createdAt": moment(saga.created_at.as_ref()),
        "updatedAt": moment(saga.updated_at.as_ref()),
    })
}

fn word(status: SagaStatus) -> String {
    let name = status.as_str_name();
    name.trim_start_matches("SAGA_STATUS_").to_lowercase()
}
