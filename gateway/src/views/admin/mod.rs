//! What operators see: sagas, dead letters, alerts.

mod alerts;
mod dead_letters;
mod sagas;

pub(crate) use alerts::AlertView;
pub(crate) use dead_letters::{
    DeadLetterView, DroppedLetters, DroppedView, LettersQuery, ReplayedLetters, ReplayedView,
};
pub(crate) use sagas::{CompensateSaga, SagaDetailsView, SagaView, SagasQuery};

/// How many are shown when nobody says.
const DEFAULT_LIMIT: u32 = 100;

fn unless_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
