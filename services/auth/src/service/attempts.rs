use bson::DateTime;
use bson::oid::ObjectId;

use crate::domain::{Client, Count, Counter};
use crate::error::Error;
use crate::store::Store;

/// Counts who is wrong how often, and refuses who was too often.
///
/// Asked before the work, so that what is refused costs nothing, and again after it: of many guesses at
/// the same moment the right one is only let in while fewer than the limit have failed.
#[derive(Clone)]
pub(crate) struct Attempts {
    store: Store,
}

/// Somebody tries to prove who they are; here it counts when they do not.
pub(crate) struct Attempt(Vec<Counter>);

impl Attempts {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Somebody wants to sign in to `account`, the one with this address if there is any. What is asked
    /// is the same when there is none.
    pub(crate) async fn at_sign_in(
        &self,
        email_key: &str,
        account: Option<ObjectId>,
        client: &Client,
    ) -> Result<Attempt, Error> {
        let device = client.device.as_ref().map(|device| device.hash());
        let known = match &device {
            Some(device) => {
                // Without an account: a new id, which nobody has.
                let account = account.unwrap_or_default();
                self.store.knows_device(account, device).await?
            }
            None => false,
        };
        let device = device.filter(|_| known);
        self.admit(Counter::of_sign_in(email_key, client, device))
            .await
    }

    /// Somebody who is signed in has to prove once more to be this user.
    pub(crate) async fn of_user(&self, user_id: ObjectId) -> Result<Attempt, Error> {
        self.admit(Counter::of_user(user_id)).await
    }

    /// Whether they are refused by now, when something is to be told before they are through.
    pub(crate) async fn check_again(&self, attempt: &Attempt) -> Result<(), Error> {
        self.check(&attempt.0).await.map(drop)
    }

    /// They were wrong.
    pub(crate) async fn failed(&self, attempt: &Attempt) -> Result<(), Error> {
        self.store.count_failure(&attempt.0).await
    }

    /// They were right, and what this client did wrong before is forgotten; what others did is not.
    pub(crate) async fn passed(&self, attempt: &Attempt) -> Result<(), Error> {
        let counts = self.check(&attempt.0).await?;
        let of_client = attempt.0.first();
        let own = of_client.filter(|own| counts.iter().any(|(id, _)| *id == own.id));
        match own {
            Some(own) => self.store.forget_failures(own).await,
            None => Ok(()),
        }
    }

    async fn admit(&self, counters: Vec<Counter>) -> Result<Attempt, Error> {
        self.check(&counters).await?;
        Ok(Attempt(counters))
    }

    async fn check(&self, counters: &[Counter]) -> Result<Vec<(String, Count)>, Error> {
        let now = DateTime::now();
        let counts = self.store.counts(counters).await?;
        let wait = |counter: &Counter| {
            let (_, count) = counts.iter().find(|(id, _)| *id == counter.id)?;
            count.wait(counter.allowance, now)
        };
        match counters.iter().filter_map(wait).max() {
            Some(wait) => Err(Error::TooManyAttempts { wait }),
            None => Ok(counts),
        }
    }
}
