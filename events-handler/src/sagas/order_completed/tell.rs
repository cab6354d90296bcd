//! The letters: after the order, or after the refund.

use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use reen_error::{Code, Failure};
use reen_proto::auth::v1::{Contact, FindContactsRequest};

use super::State;
use super::steps::sellers;
use crate::clients::{Letter, LetterLine, Unsent};
use crate::saga::Call;

/// After that no more letters are begun in one try: the saga's lease is for longer, but not for ever.
const ENOUGH: Duration = Duration::from_secs(25);
/// So many letters of one order are on their way at a time: as many connections it takes to the post.
const AT_ONCE: usize = 4;

/// Tells the buyer and each seller. Who was told before a failure is not told again, and one whose mail
/// server refuses the letter does not keep the others from being told.
pub(super) fn of_the_order<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let mut ids = sellers(state);
        ids.push(state.buyer_id.clone());
        let contacts = contacts(call, ids).await?;
        let letters = contacts.iter().flat_map(|contact| {
            let letters = letters_to(contact, state).into_iter();
            letters.map(move |(about, letter)| (about, contact, letter))
        });
        let letters: Vec<_> = letters.collect();
        tell_all(call, state, &letters).await
    }
    .boxed()
}

/// While the post is away no more are tried, and while it is slow only so many at a time.
async fn tell_all(
    call: &Call<'_>,
    state: &mut State,
    letters: &[(&str, &Contact, Letter)],
) -> Result<(), Failure> {
    let since = Instant::now();
    let mut refused = Ok(());
    for some in letters.chunks(AT_ONCE) {
        if since.elapsed() > ENOUGH {
            let slow = "the post is slow; the other letters of the order come later";
            return Err(Failure::new(Code::Unavailable, slow));
        }
        let telling = some
            .iter()
            .map(|(about, contact, letter)| tell(call, state, about, contact, letter));
        let tried = join_all(telling).await;
        let mut away = Ok(());
        for told in tried {
            match told {
                Ok(mark) => state.told.extend(mark),
                Err(Unsent::Refused(failure)) => refused = Err(failure),
                Err(Unsent::Away(failure)) => away = Err(failure),
            }
        }
        away?;
    }
    refused
}

/// What somebody is to be told, and what it is about: a buyer of the order, a seller of what is sold.
fn letters_to(contact: &Contact, state: &State) -> Vec<(&'static str, Letter)> {
    let order_id = state.order_id.clone().unwrap_or_default();
    let mut letters = Vec::with_capacity(1);
    if contact.id == state.buyer_id {
        let lines = lines(state, None);
        let letter = Letter::order_confirmed(order_id.clone(), state.amount_cents, lines);
        letters.push(("order", letter));
    }
    let sold = lines(state, Some(&contact.id));
    if !sold.is_empty() {
        letters.push(("sale", Letter::products_sold(order_id, sold)));
    }
    letters
}

/// Tells the buyer that the money is on its way back. A buyer that is not known (the payment did not
/// fit its checkout) cannot be told.
pub(super) fn of_the_refund<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        if state.buyer_id.is_empty() {
            return Ok(());
        }
        for contact in contacts(call, vec![state.buyer_id.clone()]).await? {
            let letter = Letter::refunded(state.amount_cents, lines(state, None));
            let told = tell(call, state, "refund", &contact, &letter).await?;
            state.told.extend(told);
        }
        Ok(())
    }
    .boxed()
}

async fn contacts(call: &Call<'_>, ids: Vec<String>) -> Result<Vec<Contact>, Failure> {
    let asked = FindContactsRequest { ids };
    Ok(call
        .parties
        .auth()
        .find_contacts(asked)
        .await?
        .into_inner()
        .contacts)
}

/// Answers by which mark to know that it was done; nothing when it had been, or there is no address.
async fn tell(
    call: &Call<'_>,
    state: &State,
    about: &str,
    contact: &Contact,
    letter: &Letter,
) -> Result<Option<String>, Unsent> {
    let mark = format!("{about}:{}", contact.id);
    if contact.email.is_empty() || state.told.contains(&mark) {
        return Ok(None);
    }
    // The same id at every try, so that a mailbox can tell a repeat.
    let id = format!("{about}.{}.{}", state.checkout_id, contact.id);
    let mailer = call.parties.mailer();
    mailer
        .send(&id, &contact.name, &contact.email, letter)
        .await?;
    Ok(Some(mark))
}

fn lines(state: &State, seller_id: Option<&str>) -> Vec<LetterLine> {
    state
        .lines
        .iter()
        .filter(|line| seller_id.is_none_or(|seller_id| line.seller_id == seller_id))
        .map(|line| LetterLine {
            name: line.name.clone(),
            quantity: line.quantity,
            price_cents: line.unit_price_cents.saturating_mul(line.quantity),
        })
        .collect()
}
