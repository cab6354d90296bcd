use std::cell::RefCell;
use std::fmt::Write as _;

use anyhow::Context as _;
use reen_mongo::{Applied, Migration, Standing, Until};
use serde_json::{Value, json};

use super::Further;
use crate::cli::Said;
use crate::cli::databases::Owned;
use crate::cli::table::table;
use crate::cli::waiting::with_signs_of_life;

/// What became of one database.
struct Outcome {
    owner: &'static str,
    applied: Vec<Applied>,
    /// The first migration that was not asked for, because it takes something away.
    held_back: Option<Migration>,
    /// Why this program cannot work with the database even now.
    misfit: Option<String>,
}

pub(super) async fn run(further: &Further, databases: &[Owned]) -> anyhow::Result<Said> {
    let until = Until {
        version: further.to,
        contracting: further.contract,
    };
    let doing = RefCell::new("waiting for another process that migrates".to_owned());
    let migrating = async {
        let mut outcomes = Vec::new();
        for owned in databases {
            let outcome = migrate(owned, until, &doing).await;
            let owner = owned.owner();
            outcomes.push(outcome.with_context(|| format!("the database of {owner}"))?);
        }
        anyhow::Ok(outcomes)
    };
    let outcomes = with_signs_of_life(migrating, || doing.borrow().clone()).await?;
    let (text, json) = (text(&outcomes), outcomes.iter().map(view).collect());
    let is_fitting = outcomes.iter().all(|outcome| outcome.misfit.is_none());
    Ok(match is_fitting {
        true => Said::fine(text, json),
        false => Said::found(text, json),
    })
}

async fn migrate(
    Owned { schema, database }: &Owned,
    until: Until,
    doing: &RefCell<String>,
) -> anyhow::Result<Outcome> {
    let owner = schema.owner();
    let announce = |migration: &Migration| {
        let (version, name) = (migration.version(), migration.name());
        *doing.borrow_mut() = format!("migrating the database of {owner}: {version} {name}");
    };
    let applied = schema.migrate(database, until, announce).await?;
    let standing = Standing::read(database).await?;
    let next = schema.pending(&standing).next();
    let is_held_back = |it: &&Migration| it.is_contracting() && !until.contracting;
    let misfit = schema.judge(&standing).err();
    Ok(Outcome {
        owner,
        applied,
        held_back: next.filter(is_held_back).cloned(),
        misfit: misfit.map(|misfit| misfit.to_string()),
    })
}

fn text(outcomes: &[Outcome]) -> String {
    let rows: Vec<_> = outcomes.iter().flat_map(Outcome::rows).collect();
    let mut text = match rows.is_empty() {
        true => "nothing was to be done\n".to_owned(),
        false => table(
            ["DATABASE", "VERSION", "MIGRATION", "TOOK", "CHANGED"],
            &rows,
        ),
    };
    for outcome in outcomes {
        let owner = outcome.owner;
        if let Some(held_back) = &outcome.held_back {
            let (version, name) = (held_back.version(), held_back.name());
            let _never_fails = writeln!(
                text,
                "{owner}: {version} {name} takes away what older programs need; when none runs any more: \
                 reen migrate up --contract"
            );
        }
        if let Some(misfit) = &outcome.misfit {
            let _never_fails = writeln!(text, "{owner}: {misfit}");
        }
    }
    text
}

impl Outcome {
    fn rows(&self) -> impl Iterator<Item = [String; 5]> {
        self.applied.iter().map(|applied| {
            [
                self.owner.to_owned(),
                applied.version.to_string(),
                applied.name.clone(),
                format!("{} ms", applied.took_ms),
                applied.changed.to_string(),
            ]
        })
    }
}

fn view(outcome: &Outcome) -> Value {
    let applied = outcome.applied.iter().map(|applied| applied.version);
    json!({
        "database": outcome.owner,
        "applied": applied.collect::<Vec<_>>(),
        "heldBack": outcome.held_back.as_ref().map(Migration::version),
        "misfit": outcome.misfit,
    })
}
