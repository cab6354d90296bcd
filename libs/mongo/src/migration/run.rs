use std::sync::Arc;
use std::time::Duration;

use bson::DateTime;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::lease::Lease;
use super::standby::standby;
use super::{Applied, Migration, Misfit, Schema, Standing, record};
use crate::{Database, Error, Transaction};

const LOOKED_EVERY: Duration = Duration::from_millis(250);

/// How far to migrate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Until {
    /// To this version, or as far as the program knows.
    pub version: Option<u32>,
    /// Also what takes away what older programs need.
    pub contracting: bool,
}

impl Until {
    /// All that the program knows: right where no older program runs.
    pub const LATEST: Self = Self {
        version: None,
        contracting: true,
    };

    fn includes(&self, migration: &Migration) -> bool {
        let is_wanted = self.version.is_none_or(|last| migration.version <= last);
        is_wanted && (self.contracting || !migration.is_contracting())
    }
}

impl Schema {
    /// The pending migrations up to the first that is not asked for.
    pub fn due(&self, standing: &Standing, until: Until) -> impl Iterator<Item = &Migration> {
        let pending = self.pending(standing);
        pending.take_while(move |migration| until.includes(migration))
    }

    /// Applies what is due, and answers what it has applied itself. However many processes do this at once,
    /// each migration is applied by one of them, and all return when it is done. `announce` is told of each
    /// migration before it begins.
    ///
    /// # Errors
    /// When a migration fails: those before it stand, and it is begun anew the next time.
    pub async fn migrate(
        &self,
        database: &Database,
        until: Until,
        announce: impl Fn(&Migration),
    ) -> Result<Vec<Applied>, Error> {
        let mut done = Vec::new();
        loop {
            let standing = Standing::read(database).await?;
            if self.due(&standing, until).next().is_none() {
                return Ok(done);
            }
            let lease = Lease::wait(database, &self.holder()).await?;
            let applying = self.apply_due(database, until, &lease, &announce, &mut done);
            let outcome = lease.keep(applying).await;
            lease.end().await;
            match outcome {
                // Whoever has it now may not come to the end.
                Err(Error::Overtaken) => tracing::warn!("another process went on with migrations"),
                outcome => outcome?,
            }
        }
    }

    /// What is due is looked up again: the lease may have been waited for.
    async fn apply_due(
        &self,
        database: &Database,
        until: Until,
        lease: &Lease,
        announce: &impl Fn(&Migration),
        done: &mut Vec<Applied>,
    ) -> Result<(), Error> {
        let standing = Standing::read(database).await?;
        for migration in self.due(&standing, until) {
            announce(migration);
            done.push(migration.apply(database, lease).await?);
        }
        Ok(())
    }

    fn holder(&self) -> String {
        format!("{}, process {}", self.owner, std::process::id())
    }

    /// Makes sure that the program can work with the database: applies everything where `migrates`, else
    /// waits for whoever does, and answers on the listener `admin` meanwhile what it waits for. From then on
    /// the readiness of the database includes that it still fits.
    ///
    /// # Errors
    /// [`Error::Misfit`] when the program is too old for the database; no waiting mends that.
    pub async fn prepare(
        self,
        database: Database,
        migrates: bool,
        admin: &TcpListener,
    ) -> Result<Database, Error> {
        if migrates {
            let owner = self.owner;
            let announce = |migration: &Migration| {
                let (version, name) = (migration.version, migration.name);
                tracing::info!(owner, version, name, "migrating");
            };
            self.migrate(&database, Until::LATEST, announce).await?;
        }
        let schema = Arc::new(self);
        let database = database.with_schema(Arc::clone(&schema));
        match schema.judge(&Standing::read(&database).await?) {
            Ok(()) => {}
            Err(misfit @ Misfit::TooNew { .. }) => return Err(misfit.into()),
            Err(misfit @ Misfit::TooOld { .. }) => {
                tracing::warn!("waiting: {misfit}");
                standby(admin, &database, schema.wait_until_fitting(&database)).await?;
            }
        }
        Ok(database)
    }

    async fn wait_until_fitting(&self, database: &Database) -> Result<(), Error> {
        loop {
            sleep(LOOKED_EVERY).await;
            match self.judge(&Standing::read(database).await?) {
                Err(Misfit::TooOld { .. }) => {}
                outcome => return Ok(outcome?),
            }
        }
    }
}

impl Migration {
    async fn apply(&self, database: &Database, lease: &Lease) -> Result<Applied, Error> {
        let begun = Instant::now();
        let mut changed = 0;
        for step in &self.steps {
            changed += step.apply(database).await?;
        }
        let applied = Applied {
            version: self.version,
            name: self.name.to_owned(),
            suits: self.suits,
            digest: self.digest()?,
            applied_at: DateTime::now(),
            took_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
            changed: i64::try_from(changed).unwrap_or(i64::MAX),
        };
        let mut transaction = Transaction::begin(database).await?;
        loop {
            let session = transaction.session();
            let noting = async {
                lease.pass(session).await?;
                record::note(database, session, &applied).await
            };
            let noted: Result<(), Error> = noting.await;
            if transaction.settle(noted).await?.is_some() {
                return Ok(applied);
            }
        }
    }
}
