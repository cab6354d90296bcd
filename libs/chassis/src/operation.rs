//! What a saga says about itself with every call, read from a request.

use reen_error::{Failure, FieldFailure};
use reen_proto::operation::v1 as proto;

/// One effect of one saga: see `reen.operation.v1.Operation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// At most one effect ever happens under this id.
    pub id: String,
    /// The saga whose epoch it is.
    pub saga: String,
    /// A service that has seen a later epoch of the same saga refuses the call.
    pub epoch: i64,
}

impl Operation {
    /// Reads the operation of a request.
    ///
    /// # Errors
    /// `validation_failed` when it is absent or has no id or saga.
    pub fn required(operation: Option<proto::Operation>) -> Result<Self, Failure> {
        match operation {
            Some(proto::Operation { id, saga, epoch }) if !id.is_empty() && !saga.is_empty() => {
                Ok(Self { id, saga, epoch })
            }
            _ => {
                let missing =
                    FieldFailure::new("operation", "required", "must name an id and a saga");
                Err(Failure::invalid(vec![missing]))
            }
        }
    }

    /// As it travels.
    #[must_use]
    pub fn to_proto(&self) -> proto::Operation {
        proto::Operation {
            id: self.id.clone(),
            saga: self.saga.clone(),
            epoch: self.epoch,
        }
    }
}
