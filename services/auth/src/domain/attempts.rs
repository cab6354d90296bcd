//! How often somebody may be wrong.
//!
//! What is counted never depends on whether there is an account, so that a refusal tells nothing, and a
//! client that the owner of an account has signed in with is counted apart, so that nobody else can use up
//! what it may do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bson::DateTime;
use bson::oid::ObjectId;
use ring::digest::{SHA256, digest};

use super::{OpaqueToken, TokenHash};

/// One client for one address. People mistype, and come back after a coffee.
const OF_A_CLIENT: Allowance = Allowance {
    failures: 10,
    window: Duration::from_secs(15 * 60),
};
/// All clients together that are not known for one address: many networks are easily had.
const OF_AN_ADDRESS: Allowance = Allowance {
    failures: 100,
    window: Duration::from_secs(60 * 60),
};
/// Sorts behind everything that ids of counters continue with.
const END: char = '~';

/// Where somebody who signs in comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// The address, of IPv6 the /64.
    pub(crate) network: String,
    /// By which the client is known again, if it was here before.
    pub(crate) device: Option<OpaqueToken>,
}

/// So many failures within so long a time, which begins with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    failures: i64,
    pub(crate) window: Duration,
}

/// Failures that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) id: String,
    pub(crate) allowance: Allowance,
}

/// What was counted until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) failures: i64,
    /// When they are forgotten.
    pub(crate) ends_at: DateTime,
}

impl Count {
    /// How long whoever asks is refused, if they are.
    pub(crate) fn wait(self, allowance: Allowance, now: DateTime) -> Option<Duration> {
        if self.failures < allowance.failures {
            return None;
        }
        let millis = self.ends_at.timestamp_millis() - now.timestamp_millis();
        let wait = u64::try_from(millis).ok().filter(|millis| *millis > 0);
        wait.map(Duration::from_millis)
    }
}

impl Counter {
    /// Where a wrong password for an address counts. `device` is the client's, if somebody has signed in with
    /// it to the account of this very address.
    pub(crate) fn of_sign_in(
        email_key: &str,
        client: &Client,
        device: Option<TokenHash>,
    ) -> Vec<Self> {
        let address = mark(email_key);
        let of_client = |id| Self {
            id,
            allowance: OF_A_CLIENT,
        };
        match device {
            Some(device) => {
                let device = URL_SAFE_NO_PAD.encode(device.as_bytes());
                vec![of_client(format!("{address}#{device}"))]
            }
            None => vec![
                of_client(format!("{address}@{}", client.network)),
                Self {
                    id: address,
                    allowance: OF_AN_ADDRESS,
                },
            ],
        }
    }

    /// Where it counts when somebody who is signed in does not prove once more to be the user.
    pub(crate) fn of_user(user_id: ObjectId) -> Vec<Self> {
        vec![Self {
            id: format!("user:{user_id}"),
            allowance: OF_A_CLIENT,
        }]
    }

    /// Between these are the ids of all counters for an address.
    pub(crate) fn range_of(email_key: &str) -> (String, String) {
        let address = mark(email_key);
        let end = format!("{address}{END}");
        (address, end)
    }
}

/// Of one length, whatever somebody types.
fn mark(email_key: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, email_key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bson::DateTime;

    use super::{Client, Count, Counter, OF_A_CLIENT};
    use crate::domain::OpaqueToken;

    fn from(network: &str) -> Client {
        Client {
            network: network.to_owned(),
            device: None,
        }
    }

    #[test]
    fn who_was_wrong_too_often_waits_for_the_end_of_the_window() {
        let now = DateTime::from_millis(1_000);
        let wait = |failures| {
            let ends_at = DateTime::from_millis(3_500);
            Count { failures, ends_at }.wait(OF_A_CLIENT, now)
        };
        assert_eq!(wait(9), None);
        assert_eq!(wait(10), Some(Duration::from_millis(2_500)));
        let over = Count {
            failures: 99,
            ends_at: now,
        };
        assert_eq!(over.wait(OF_A_CLIENT, now), None);
    }

    #[test]
    fn strangers_share_a_counter_for_the_address_and_a_known_device_has_its_own() {
        let of = |network, device| Counter::of_sign_in("ada@reen.example", &from(network), device);
        let (here, there) = (of("192.0.2.1", None), of("192.0.2.2", None));
        assert_eq!(here.len(), 2);
        assert_ne!(here[0], there[0]);
        assert_eq!(here[1], there[1]);
        let device = of("192.0.2.1", Some(OpaqueToken::generate().hash()));
        assert_eq!(device.len(), 1);
        assert!(!here.contains(&device[0]));
    }

    #[test]
    fn all_counters_of_an_address_and_no_others_are_in_its_range() {
        let (start, end) = Counter::range_of("ada@reen.example");
        let device = OpaqueToken::generate().hash();
        let inside = |counter: &Counter| start <= counter.id && counter.id < end;
        for device in [None, Some(device)] {
            let client = from("2001:db8::");
            let own = Counter::of_sign_in("ada@reen.example", &client, device);
            assert!(own.iter().all(inside), "{own:?}");
            let others = Counter::of_sign_in("eve@reen.example", &client, device);
            assert!(!others.iter().any(inside), "{others:?}");
        }
    }
}
