//! What operators type. Tables for people, `--json` for machines.
//!
//! Exit codes: 0 it is fine, 1 something was found or refused, 2 it could not be asked.

mod alerts;
mod letters;
mod operator;
mod sagas;
mod stock;
mod table;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use reen_chassis::client::{PeerChannel, connect};
use reen_chassis::config::{Environment, Reader};
use reen_chassis::identity::Identity;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use serde_json::Value;
use url::Url;

/// Who the command line is to the services.
const NAME: &str = "reen";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sagas: what was begun across the services, and how far it is.
    #[command(subcommand)]
    Saga(sagas::Command),
    /// Dead letters: messages that nobody could work on.
    #[command(subcommand)]
    Dlq(letters::Command),
    /// What is past its deadline: paid without an order, refunds owed, sagas stuck or late.
    Alerts,
    /// Who may do all this over REST.
    #[command(subcommand)]
    Operator(operator::Command),
    /// Stock: what products count, and what their holds say.
    #[command(subcommand)]
    Stock(stock::Command),
    /// Looks whether money, stock and orders are right over all databases.
    ///
    /// Reads {AUTH,PRODUCTS,CART_ITEMS,CHECKOUT,ORDERS,EVENTS}_DATABASE_URL. Exit codes: 0 nothing is
    /// wrong, 1 something is, 2 a database cannot be read.
    Verify(verify::Options),
}

/// What a command has to say.
pub(crate) struct Said {
    /// For people.
    text: String,
    /// For machines.
    json: Value,
    code: ExitCode,
}

impl Said {
    fn fine(text: String, json: Value) -> Self {
        Self {
            text,
            json,
            code: ExitCode::SUCCESS,
        }
    }

    /// The command worked, and there is something that somebody should look at.
    fn found(text: String, json: Value) -> Self {
        Self {
            code: ExitCode::from(1),
            ..Self::fine(text, json)
        }
    }
}

/// The services that a command talks to.
struct Services {
    identity: Identity,
    auth: Vec<Url>,
    products: Vec<Url>,
    events_handler: Vec<Url>,
}

impl Services {
    fn read(environment: &dyn Environment) -> anyhow::Result<Self> {
        Ok(Reader::read(environment, |reader| {
            let identity = reader.identity(NAME);
            let auth = reader.peers("AUTH_SERVICE_URL", "http://127.0.0.1:50051");
            let products = reader.peers("PRODUCTS_SERVICE_URL", "http://127.0.0.1:50052");
            let handler = reader.peers("EVENTS_HANDLER_SERVICE_URL", "http://127.0.0.1:50056");
            Some(Self {
                identity: identity?,
                auth: auth?,
                products: products?,
                events_handler: handler?,
            })
        })?)
    }

    fn sagas(&self) -> anyhow::Result<SagasClient<PeerChannel>> {
        let channel = connect(&self.identity, "events-handler", &self.events_handler)?;
        Ok(SagasClient::new(channel))
    }

    fn auth(&self) -> anyhow::Result<AuthClient<PeerChannel>> {
        Ok(AuthClient::new(connect(
            &self.identity,
            "auth",
            &self.auth,
        )?))
    }

    fn products(&self) -> anyhow::Result<ProductsClient<PeerChannel>> {
        let channel = connect(&self.identity, "products", &self.products)?;
        Ok(ProductsClient::new(channel))
    }
}

/// Runs a command and prints what it says.
pub(crate) async fn run(command: Command, json: bool, environment: &dyn Environment) -> ExitCode {
    match say(command, environment).await {
        Ok(said) if json => {
            println!("{:#}", said.json);
            said.code
        }
        Ok(said) => {
            println!("{}", said.text.trim_end());
            said.code
        }
        Err(error) => complain(&error),
    }
}

async fn say(command: Command, environment: &dyn Environment) -> anyhow::Result<Said> {
    let services = || Services::read(environment);
    match command {
        Command::Saga(command) => sagas::run(command, &mut services()?.sagas()?).await,
        Command::Dlq(command) => letters::run(command, &mut services()?.sagas()?).await,
        Command::Alerts => alerts::run(&mut services()?.sagas()?).await,
        Command::Operator(command) => operator::run(command, &mut services()?.auth()?).await,
        Command::Stock(command) => stock::run(&command, &mut services()?.products()?).await,
        // Needs the databases, and no service.
        Command::Verify(options) => verify::run(&options, environment).await,
    }
}

fn complain(error: &anyhow::Error) -> ExitCode {
    let Some(status) = error.downcast_ref::<tonic::Status>() else {
        eprintln!("reen: {error:#}");
        return ExitCode::from(2);
    };
    let failure = Failure::from_status(status);
    let word = failure.code.word();
    match failure.code {
        Code::Unavailable | Code::DeadlineExceeded => {
            eprintln!(
                "reen: {word}: the service does not answer. Is it running, and are *_SERVICE_URL right?"
            );
            ExitCode::from(2)
        }
        Code::UnknownCaller => {
            eprintln!("reen: {word}: SERVICE_IDENTITY_SECRET is not the mesh's");
            ExitCode::from(2)
        }
        _ => {
            eprintln!("reen: {word}: {failure}");
            for field in &failure.fields {
                eprintln!("  {}: {}", field.field, field.message);
            }
            ExitCode::from(1)
        }
    }
}
