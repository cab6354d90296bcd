use std::fmt::{Debug, Display};

use reen_chassis::{CallContext, IdempotencyKey};
use reen_error::{Code, Failure};
use reen_proto::operation::v1::Operation;
use tonic::{Response, Status};

/// Makes `call` on behalf of a user.
pub async fn acting_for<F: Future>(user: impl Display, call: F) -> F::Output {
    let context = CallContext {
        user: Some(user.to_string().into()),
        ..CallContext::default()
    };
    context.scope(call).await
}

/// Makes `call` on behalf of a user who named it.
pub async fn acting_once<F: Future>(
    user: impl Display,
    key: &IdempotencyKey,
    call: F,
) -> F::Output {
    let context = CallContext {
        user: Some(user.to_string().into()),
        idempotency: Some(key.clone()),
        ..CallContext::default()
    };
    context.scope(call).await
}

/// What a saga says about itself with one effect, as requests carry it.
#[must_use]
pub fn saga_operation(
    id: impl Into<String>,
    saga: impl Into<String>,
    epoch: i64,
) -> Option<Operation> {
    Some(Operation {
        id: id.into(),
        saga: saga.into(),
        epoch,
    })
}

/// The only effect of a saga of its own, in its first epoch.
#[must_use]
pub fn own_operation(id: &str) -> Option<Operation> {
    saga_operation(id, id, 1)
}

/// What a call came to: its answer, or why it was refused.
///
/// # Errors
/// The refusal.
pub fn settled<T>(answer: Result<Response<T>, Status>) -> Result<T, Failure> {
    answer.map(Response::into_inner).map_err(Failure::from)
}

/// The answer of a call that cannot be refused.
///
/// # Panics
/// When it was.
pub fn body<T>(answer: Result<Response<T>, Status>) -> T {
    answer.expect("no refusal").into_inner()
}

/// Why a call was refused.
///
/// # Panics
/// When it was not.
pub fn refusal<T: Debug>(outcome: Result<T, impl Into<Failure>>) -> Failure {
    match outcome {
        Ok(answer) => panic!("no refusal: {answer:?}"),
        Err(refused) => refused.into(),
    }
}

/// The code with which a call was refused.
///
/// # Panics
/// When it was not.
pub fn code<T: Debug>(outcome: Result<T, impl Into<Failure>>) -> Code {
    refusal(outcome).code
}
