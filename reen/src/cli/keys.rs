use clap::Subcommand;
use prost_types::Timestamp;
use reen_chassis::client::PeerChannel;
use reen_proto::auth::v1::signing_keys_client::SigningKeysClient;
use reen_proto::auth::v1::{KeyList, KeyState, ListKeysRequest, RotateKeysRequest, SigningKey};
use serde_json::{Value, json};

use super::Said;
use super::table::{moment, table};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Those that sign, will sign, or have signed tokens that are still good.
    List,
    /// Makes the next key. It signs two minutes later, and nobody is signed out.
    Rotate,
}

pub(super) async fn run(
    command: Command,
    keys: &mut SigningKeysClient<PeerChannel>,
) -> anyhow::Result<Said> {
    let list = match command {
        Command::List => keys.list_keys(ListKeysRequest {}).await?,
        Command::Rotate => keys.rotate_keys(RotateKeysRequest {}).await?,
    };
    Ok(show(&list.into_inner()))
}

fn show(list: &KeyList) -> Said {
    let heading = ["KEY", "STATE", "SIGNS FROM", "PUBLISHED UNTIL"];
    let rows: Vec<_> = list.keys.iter().map(row).collect();
    let views: Vec<Value> = list.keys.iter().map(view).collect();
    Said::fine(table(heading, &rows), json!(views))
}

fn row(key: &SigningKey) -> [String; 4] {
    [
        key.id.clone(),
        word(key).to_owned(),
        moment(key.signs_from.as_ref()),
        moment(key.published_until.as_ref()),
    ]
}

fn view(key: &SigningKey) -> Value {
    let time = |time: Option<&Timestamp>| time.map(|time| moment(Some(time)));
    json!({
        "id": key.id,
        "state": word(key),
        "signsFrom": time(key.signs_from.as_ref()),
        "publishedUntil": time(key.published_until.as_ref()),
    })
}

fn word(key: &SigningKey) -> &'static str {
    match key.state() {
        KeyState::Next => "next",
        KeyState::Current => "current",
        KeyState::Retired => "retired",
        KeyState::Unspecified => "unknown",
    }
}
