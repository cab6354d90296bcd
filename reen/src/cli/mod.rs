//! What operators type. Tables for people, `--json` for machines.
//!
//! Exit codes: 0 it is fine, 1 something was found or refused, 2 it could not be asked.

mod alerts;
mod backup;
mod complaint;
mod databases;
mod keys;
mod letters;
mod log;
mod migrate;
mod operator;
mod sagas;
mod services;
mod stock;
mod table;
mod verify;
mod waiting;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use reen_chassis::config::Environment;
use serde_json::Value;

use services::Services;

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
    /// The keys that sign access tokens.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Stock: what products count, and what their holds say.
    #[command(subcommand)]
    Stock(stock::Command),
    /// What the processes log, and changing that for a while; it ends by itself.
    ///
    /// Exit codes: 0 all of them answered, 1 some did not.
    Log(log::Options),
    /// Looks whether money, stock and orders are right over all databases.
    ///
    /// Reads {AUTH,PRODUCTS,CART_ITEMS,CHECKOUT,ORDERS,EVENTS}_DATABASE_URL. Exit codes: 0 nothing is
    /// wrong, 1 something is, 2 a database cannot be read.
    Verify(verify::Options),
    /// The shape of the databases, from version to version.
    ///
    /// Reads {AUTH,PRODUCTS,CART_ITEMS,CHECKOUT,ORDERS,EVENTS}_DATABASE_URL, or only the one that is asked
    /// for. Exit codes: 0 nothing is to be done, 1 something is, 2 a database cannot be used.
    #[command(subcommand)]
    Migrate(migrate::Command),
    /// Saves all databases in a folder, as they are at one moment.
    ///
    /// Reads the same settings. Exit codes: 0 it is saved, 2 it is not.
    Backup(backup::Into),
    /// Puts what was saved into empty databases; nothing else may use them meanwhile.
    ///
    /// Reads the same settings. Exit codes: 0 it is restored, 2 it is not.
    Restore(backup::From),
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

/// Runs a command and prints what it says.
pub(crate) async fn run(command: Command, json: bool, environment: &dyn Environment) -> ExitCode {
    // Boxed: the longest of them copies whole databases.
    match Box::pin(say(command, environment)).await {
        Ok(said) if json => {
            print(&format!("{:#}", said.json));
            said.code
        }
        Ok(said) => {
            print(said.text.trim_end());
            said.code
        }
        Err(error) => complaint::complain(&error),
    }
}

async fn say(command: Command, environment: &dyn Environment) -> anyhow::Result<Said> {
    let services = || Services::read(environment);
    match command {
        Command::Saga(command) => {
            let handler = services()?.events_handler;
            handler
                .answer(sagas::run(command, &mut handler.sagas()?))
                .await
        }
        Command::Dlq(command) => {
            let handler = services()?.events_handler;
            handler
                .answer(letters::run(command, &mut handler.sagas()?))
                .await
        }
        Command::Alerts => {
            let handler = services()?.events_handler;
            handler.answer(alerts::run(&mut handler.sagas()?)).await
        }
        Command::Operator(command) => {
            let auth = services()?.auth;
            auth.answer(operator::run(command, &mut auth.auth()?)).await
        }
        Command::Keys(command) => {
            let auth = services()?.auth;
            auth.answer(keys::run(command, &mut auth.signing_keys()?))
                .await
        }
        Command::Stock(command) => {
            let products = services()?.products;
            products
                .answer(stock::run(&command, &mut products.products()?))
                .await
        }
        Command::Log(options) => log::run(&options, environment),
        // These need the databases, and no service.
        Command::Verify(options) => verify::run(&options, environment).await,
        Command::Migrate(command) => Box::pin(migrate::run(&command, environment)).await,
        Command::Backup(into) => Box::pin(backup::take(&into, environment)).await,
        Command::Restore(from) => Box::pin(backup::restore(&from, environment)).await,
    }
}

fn print(text: &str) {
    // Whoever stops reading, such as `head`, has read enough.
    let _nobody_reads = writeln!(std::io::stdout(), "{text}");
}
