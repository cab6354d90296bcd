use clap::Subcommand;
use reen_chassis::client::PeerChannel;
use reen_error::{Code, Failure};
use reen_proto::sagas::v1::sagas_client::SagasClient;
use reen_proto::sagas::v1::{
    DeadLetter, DropDeadLettersRequest, ListDeadLettersRequest, ReplayDeadLettersRequest,
};
use serde_json::{Value, json};

use super::Said;
use super::table::{ago, moment, table};

/// As many as one answer may hold.
const MOST: i32 = 1_000;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Those that are there, oldest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=1_000))]
        limit: i32,
    },
    /// One of them, with its content.
    Show {
        /// As the list shows it.
        id: String,
    },
    /// Puts them back to work.
    Replay {
        /// Which; none with --all.
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Every one that is there now.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Forgets them. An event among them stays in the inbox.
    Drop {
        /// Each has to be named.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub(super) async fn run(
    command: Command,
    sagas: &mut SagasClient<PeerChannel>,
) -> anyhow::Result<Said> {
    match command {
        Command::List { limit } => {
            let found = sagas.list_dead_letters(ListDeadLettersRequest { limit });
            let found = found.await?.into_inner();
            Ok(list(&found.letters, found.total))
        }
        Command::Show { id } => {
            let found = sagas.list_dead_letters(ListDeadLettersRequest { limit: MOST });
            let letters = found.await?.into_inner().letters;
            match letters.iter().find(|letter| letter.id == id) {
                Some(letter) => Ok(Said::fine(show(letter), view(letter))),
                None => Err(Failure::new(Code::NotFound, not_there(&id)).into()),
            }
        }
        Command::Replay { ids, all } => {
            let asked = ReplayDeadLettersRequest { ids, all };
            let count = sagas
                .replay_dead_letters(asked)
                .await?
                .into_inner()
                .replayed;
            let text = format!("{count} are back at work: reen saga list");
            Ok(Said::fine(text, json!({"replayed": count})))
        }
        Command::Drop { ids } => {
            let asked = DropDeadLettersRequest { ids };
            let count = sagas.drop_dead_letters(asked).await?.into_inner().dropped;
            Ok(Said::fine(
                format!("{count} forgotten"),
                json!({"dropped": count}),
            ))
        }
    }
}

fn not_there(id: &str) -> String {
    format!("{id} is not among the {MOST} oldest dead letters: reen dlq list")
}

fn list(letters: &[DeadLetter], total: i64) -> Said {
    let row = |letter: &DeadLetter| {
        let kind = letter.kind.rsplit('.').next().unwrap_or_default();
        [
            letter.id.clone(),
            ago(letter.died_at.as_ref()),
            kind.to_owned(),
            letter.about.clone(),
            letter.reason.clone(),
        ]
    };
    let rows: Vec<_> = letters.iter().map(row).collect();
    let text = if rows.is_empty() {
        "no message is dead".to_owned()
    } else {
        let letters = table(["LETTER", "DIED", "KIND", "ABOUT", "REASON"], &rows);
        format!("{letters}{total} in all")
    };
    let letters: Vec<Value> = letters.iter().map(view).collect();
    Said::fine(text, json!({"letters": letters, "total": total}))
}

fn show(letter: &DeadLetter) -> String {
    let body = serde_json::from_str::<Value>(&letter.body);
    let body = body.map_or_else(|_| letter.body.clone(), |json| format!("{json:#}"));
    format!(
        "{}\n  kind      {}\n  about     {}\n  died      {}\n  reason    {}\n  attempts  {}\n\n{body}",
        letter.id,
        letter.kind,
        letter.about,
        moment(letter.died_at.as_ref()),
        letter.reason,
        letter.attempts
    )
}

fn view(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id,
        "kind": letter.kind,
        "about": letter.about,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "diedAt": moment(letter.died_at.as_ref()),
        "body": letter.body,
    })
}
