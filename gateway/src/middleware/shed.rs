use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use reen_error::Code;

use crate::error::Error;
use crate::limits::Class;
use crate::rules::HEALTH;

const SHED: &str = "reen_gateway_shed_total";

/// The requests that are being worked on.
#[derive(Debug)]
pub(crate) struct InFlight {
    most: NonZeroU32,
    now: AtomicU32,
}

impl InFlight {
    pub(crate) fn at_most(most: NonZeroU32) -> Self {
        metrics::describe_counter!(SHED, "Requests that there was no room for, by class.");
        for class in Class::ALL {
            metrics::counter!(SHED, "class" => class.word()).absolute(0);
        }
        Self {
            most,
            now: AtomicU32::new(0),
        }
    }

    /// A place for one request of this class; `None` when those before it fill all that it may have.
    fn enter(&self, class: Class) -> Option<Place<'_>> {
        let room = room(self.most, class);
        let one_more = |now| (now < room).then_some(now + 1);
        let entered = self
            .now
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        entered.ok().map(|_| Place(self))
    }
}

/// How many places requests of this class may fill together with all others. Who reads can come back;
/// what a write would have done is missed; and a webhook tells of money that has moved already.
fn room(most: NonZeroU32, class: Class) -> u32 {
    let percent: u64 = match class {
        Class::Read => 75,
        Class::Write | Class::SignIn => 90,
        Class::Webhook => 100,
    };
    let room = (u64::from(most.get()) * percent).div_ceil(100);
    u32::try_from(room).unwrap_or(u32::MAX)
}

/// Held while a request is worked on.
struct Place<'a>(&'a InFlight);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Refuses at once what would only wait with everything else: a request that is refused in time can be
/// sent to another gateway, and the ones that are let in are answered. Health is told at any time.
pub(crate) async fn shed(
    State(in_flight): State<Arc<InFlight>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(class) = class(&request) else {
        return next.run(request).await;
    };
    let Some(_place) = in_flight.enter(class) else {
        metrics::counter!(SHED, "class" => class.word()).increment(1);
        return Error::of(Code::Overloaded).into_response();
    };
    next.run(request).await
}

/// `None` for what is never refused: health, and addresses at which there is nothing.
fn class(request: &Request) -> Option<Class> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    (!path.starts_with(HEALTH)).then(|| Class::of(path, request.method()))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::{InFlight, room};
    use crate::limits::Class;

    fn most(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn reads_go_first_and_webhooks_last() {
        for (of, expected) in [(512, [384, 461, 512]), (10, [8, 9, 10]), (1, [1, 1, 1])] {
            let classes = [Class::Read, Class::Write, Class::Webhook];
            assert_eq!(classes.map(|class| room(most(of), class)), expected);
        }
        assert_eq!(room(NonZeroU32::MAX, Class::Webhook), u32::MAX);
    }

    #[test]
    fn a_place_is_given_back() {
        let in_flight = InFlight::at_most(most(2));
        let first = in_flight.enter(Class::Write);
        let second = in_flight.enter(Class::Write);
        assert!(first.is_some() && second.is_some());
        for _refused in 0..2 {
            assert!(in_flight.enter(Class::Webhook).is_none());
        }
        drop(first);
        assert!(in_flight.enter(Class::Webhook).is_some());
    }
}
