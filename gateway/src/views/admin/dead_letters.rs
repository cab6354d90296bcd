use reen_proto::sagas::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::DEFAULT_LIMIT;
use crate::error::Error;
use crate::paging::Part;
use crate::version::Version;
use crate::views::listing::PageQuery;
use crate::views::{fields, rfc3339};

/// How many dead letters are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct LettersQuery {
    #[param(schema_with = fields::list_limit)]
    limit: Option<u32>,
    /// In the second version only, whose document has it.
    #[param(ignore)]
    cursor: Option<String>,
}

/// As many as the service reads at once.
const LONGEST_READ: i32 = 1_000;

impl LettersQuery {
    /// The question to the service, and which part of the answer is asked for. A queue cannot be read
    /// from its middle: for a page by cursor it is read as far as it may be.
    pub(crate) fn into_request(self) -> Result<(proto::ListDeadLettersRequest, Part), Error> {
        let limit = match Version::current() {
            Version::First => Some(self.limit.unwrap_or(DEFAULT_LIMIT)),
            Version::Second => self.limit,
        };
        let question = proto::ListDeadLettersRequest::default();
        let part = PageQuery::new(limit, None, self.cursor).part(&question)?;
        let limit = match &part {
            Part::Numbered(_) => part.limit(),
            Part::Keyset(_) => LONGEST_READ,
        };
        Ok((proto::ListDeadLettersRequest { limit }, part))
    }
}

/// A message that nobody could work on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeadLetterView {
    id: String,
    /// The full name of the message.
    #[schema(example = "reen.events.v1.WebhookReceived")]
    kind: String,
    /// Why nobody could.
    reason: String,
    /// How often it was tried again.
    attempts: u32,
    /// An event, a saga: as far as it can be read.
    about: String,
    /// JSON when it is, else base64.
    body: String,
    /// Absent when it is not known.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    died_at: Option<String>,
}

impl From<proto::DeadLetter> for DeadLetterView {
    fn from(letter: proto::DeadLetter) -> Self {
        Self {
            id: letter.id,
            kind: letter.kind,
            reason: letter.reason,
            attempts: letter.attempts,
            about: letter.about,
            body: letter.body,
            died_at: letter.died_at.map(|died_at| rfc3339(Some(died_at))),
        }
    }
}

/// Which dead letters go back to work: `ids` or `all`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayedLetters {
    #[schema(schema_with = fields::letter_ids, required = false)]
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    all: bool,
}

impl ReplayedLetters {
    /// Whether exactly one of both is given is for the service to say.
    pub(crate) fn into_request(self) -> proto::ReplayDeadLettersRequest {
        proto::ReplayDeadLettersRequest {
            ids: self.ids,
            all: self.all,
        }
    }
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayedView {
    /// How many went back to work.
    pub(crate) replayed: i64,
}

/// Which dead letters are forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DroppedLetters {
    #[schema(schema_with = fields::letter_ids)]
    pub(crate) ids: Vec<String>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DroppedView {
    /// How many were forgotten.
    pub(crate) dropped: i64,
}
