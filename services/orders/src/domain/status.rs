use std::fmt;

use serde::{Deserialize, Serialize};

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Paid,
    Processing,
    Shipped,
    Delivered,
    /// The money went back. Only sagas may say so.
    Refunded,
}

/// What is to be done about a seller's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The order has that status already.
    Done,
    Advance,
}

/// A seller may not move an order like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot become {wanted}")]
pub(crate) struct IllegalTransition {
    from: Status,
    wanted: Status,
}

impl Status {
    /// As it is stored and shown.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Processing => "processing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Refunded => "refunded",
        }
    }

    /// Where a seller may move an order from here: one step, never back.
    fn next(self) -> Option<Self> {
        match self {
            Self::Paid => Some(Self::Processing),
            Self::Processing => Some(Self::Shipped),
            Self::Shipped => Some(Self::Delivered),
            Self::Delivered | Self::Refunded => None,
        }
    }

    /// What a seller's wish for the status `wanted` comes to from here.
    pub(crate) fn step_to(self, wanted: Self) -> Result<Step, IllegalTransition> {
        if wanted == self {
            Ok(Step::Done)
        } else if Some(wanted) == self.next() {
            Ok(Step::Advance)
        } else {
            let from = self;
            Err(IllegalTransition { from, wanted })
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, Step};

    const ALL: [Status; 5] = [
        Status::Paid,
        Status::Processing,
        Status::Shipped,
        Status::Delivered,
        Status::Refunded,
    ];

    #[test]
    fn a_seller_moves_an_order_one_step_forward_and_no_other_way() {
        let legal = [
            (Status::Paid, Status::Processing),
            (Status::Processing, Status::Shipped),
            (Status::Shipped, Status::Delivered),
        ];
        for from in ALL {
            for wanted in ALL {
                let step = from.step_to(wanted);
                if from == wanted {
                    assert_eq!(step, Ok(Step::Done));
                } else if legal.contains(&(from, wanted)) {
                    assert_eq!(step, Ok(Step::Advance));
                } else {
                    assert!(step.is_err(), "{from} to {wanted}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_both() {
        let refused = Status::Paid.step_to(Status::Delivered).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "an order that is paid cannot become delivered"
        );
    }

    #[test]
    fn a_status_is_stored_under_its_word() {
        for status in ALL {
            let stored = bson::serialize_to_bson(&status).unwrap();
            assert_eq!(stored.as_str(), Some(status.word()));
        }
    }
}
