use clap::Subcommand;
use reen_chassis::client::PeerChannel;
use reen_proto::auth::v1::SetOperatorRequest;
use reen_proto::auth::v1::auth_client::AuthClient;
use serde_json::json;

use super::Said;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a user an operator.
    Grant {
        /// The address under which the user signed up.
        email: String,
    },
    /// Makes an operator a buyer again.
    Revoke {
        /// The address under which the user signed up.
        email: String,
    },
}

pub(super) async fn run(
    command: Command,
    auth: &mut AuthClient<PeerChannel>,
) -> anyhow::Result<Said> {
    let (email, operator) = match command {
        Command::Grant { email } => (email, true),
        Command::Revoke { email } => (email, false),
    };
    let asked = SetOperatorRequest { email, operator };
    let user = auth.set_operator(asked).await?.into_inner();
    let is = if operator { "is" } else { "is not" };
    let text = format!("{} ({}) {is} an operator", user.email, user.id);
    Ok(Said::fine(
        text,
        json!({"id": user.id, "email": user.email, "operator": operator}),
    ))
}
