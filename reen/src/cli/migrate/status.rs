use std::fmt::Write as _;

use anyhow::Context as _;
use bson::DateTime;
use reen_mongo::{Applied, Holder, Migration, Schema, Standing};
use serde_json::{Value, json};

use super::kind;
use crate::cli::Said;
use crate::cli::databases::Owned;
use crate::cli::table::table;

/// What is to be known of one database.
struct Report<'a> {
    schema: &'a Schema,
    standing: Standing,
    holder: Option<Holder>,
    /// One sentence for each thing that somebody should look at.
    findings: Vec<String>,
}

pub(super) async fn run(databases: &[Owned]) -> anyhow::Result<Said> {
    let mut reports = Vec::new();
    for owned in databases {
        let owner = owned.owner();
        let report = look_at(owned).await;
        reports.push(report.with_context(|| format!("the database of {owner} cannot be read"))?);
    }
    let (text, json) = (text(&reports), reports.iter().map(view).collect());
    let is_found = reports.iter().any(|report| !report.findings.is_empty());
    Ok(match is_found {
        true => Said::found(text, json),
        false => Said::fine(text, json),
    })
}

async fn look_at(Owned { schema, database }: &Owned) -> anyhow::Result<Report<'_>> {
    let standing = Standing::read(database).await?;
    let mut findings = Vec::new();
    match schema.judge(&standing) {
        Err(misfit) => findings.push(misfit.to_string()),
        Ok(()) => findings.extend(what_to_type(schema, &standing)),
    }
    for (migration, applied) in schema.migrations().iter().zip(&standing.applied) {
        if applied.differs_from(migration)? {
            let version = applied.version;
            let changed = format!("migration {version} is not what was applied under its number");
            findings.push(changed);
        }
    }
    let drift = schema.drift(database, &standing).await?;
    findings.extend(drift.iter().map(|drift| format!("index {drift}")));
    Ok(Report {
        schema,
        holder: Holder::find(database).await?,
        standing,
        findings,
    })
}

/// Contracting ones are asked for by name: no older program may run any more.
fn what_to_type(schema: &Schema, standing: &Standing) -> Option<String> {
    let mut pending = schema.pending(standing).peekable();
    pending.peek()?;
    let contract = match pending.all(Migration::is_contracting) {
        true => " --contract, once no older program runs",
        false => "",
    };
    Some(format!("migrations are pending: reen migrate up{contract}"))
}

fn text(reports: &[Report<'_>]) -> String {
    let heads = [
        "DATABASE",
        "VERSION",
        "MIGRATION",
        "KIND",
        "APPLIED",
        "TOOK",
        "CHANGED",
    ];
    let rows: Vec<_> = reports.iter().flat_map(Report::rows).collect();
    let mut text = table(heads, &rows);
    for report in reports {
        let owner = report.schema.owner();
        if let Some(Holder { name, .. }) = &report.holder {
            let _never_fails = writeln!(text, "{owner}: being migrated by {name}");
        }
        for finding in &report.findings {
            let _never_fails = writeln!(text, "{owner}: {finding}");
        }
    }
    text
}

impl Report<'_> {
    fn rows(&self) -> Vec<[String; 7]> {
        let owner = self.schema.owner();
        let done = self.standing.applied.iter();
        let done = done.map(|applied| done_row(owner, applied, self.known(applied)));
        let pending = self.schema.pending(&self.standing);
        done.chain(pending.map(|it| pending_row(owner, it)))
            .collect()
    }

    /// The program's own migration of this number; none when the database is ahead of it.
    fn known(&self, applied: &Applied) -> Option<&Migration> {
        let mut migrations = self.schema.migrations().iter();
        migrations.find(|migration| migration.version() == applied.version)
    }
}

fn done_row(owner: &str, applied: &Applied, known: Option<&Migration>) -> [String; 7] {
    let kind = known.map_or("of a newer program", |it| kind(it.is_contracting()));
    [
        owner.to_owned(),
        applied.version.to_string(),
        applied.name.clone(),
        kind.to_owned(),
        moment(applied.applied_at),
        format!("{} ms", applied.took_ms),
        applied.changed.to_string(),
    ]
}

fn pending_row(owner: &str, migration: &Migration) -> [String; 7] {
    [
        owner.to_owned(),
        migration.version().to_string(),
        migration.name().to_owned(),
        kind(migration.is_contracting()).to_owned(),
        "pending".to_owned(),
        String::new(),
        String::new(),
    ]
}

fn view(report: &Report<'_>) -> Value {
    let pending = report.schema.pending(&report.standing);
    let pending = pending.map(|migration| {
        json!({
            "version": migration.version(),
            "name": migration.name(),
            "kind": kind(migration.is_contracting()),
        })
    });
    let applied = report.standing.applied.iter();
    let applied = applied.map(|applied| {
        json!({
            "version": applied.version,
            "name": applied.name,
            "appliedAt": moment(applied.applied_at),
            "tookMs": applied.took_ms,
            "changed": applied.changed,
        })
    });
    json!({
        "database": report.schema.owner(),
        "version": report.standing.version(),
        "latest": report.schema.latest(),
        "applied": applied.collect::<Vec<_>>(),
        "pending": pending.collect::<Vec<_>>(),
        "migratedBy": report.holder.as_ref().map(|holder| &holder.name),
        "findings": report.findings,
    })
}

/// RFC 3339.
fn moment(time: DateTime) -> String {
    time.try_to_rfc3339_string().unwrap_or_default()
}
