use bson::Document;
use bson::doc;
use bson::oid::ObjectId;
use reen_mongo::Collection;
use reen_proto::auth::v1::recovery_client::RecoveryClient;
use reen_proto::auth::v1::{
    IssueTokenRequest, IssuedLetter, LetterKind, RequestPasswordResetRequest,
};
use reen_testkit::{body, peer, saga_operation};

use super::{Auth, address_of};

/// What the events-handler would do about letters.
pub(crate) struct Letters<'auth>(pub(crate) &'auth Auth);

impl Letters<'_> {
    pub(crate) fn stored(&self) -> Collection<Document> {
        self.0.database.collection("letters")
    }

    /// Asks for a new password, as somebody who says to be `name`, and answers what is in the letter.
    pub(crate) async fn reset(&self, name: &str) -> IssuedLetter {
        self.ask_reset(name).await;
        self.of(name, LetterKind::PasswordReset).await.unwrap()
    }

    pub(crate) async fn ask_reset(&self, name: &str) {
        let email = address_of(name);
        let asked = RequestPasswordResetRequest { email };
        body(self.0.recovery().request_password_reset(asked).await);
    }

    /// The letter that was asked for last, with a new token.
    pub(crate) async fn of(&self, name: &str, kind: LetterKind) -> Option<IssuedLetter> {
        let id = self.id_of(name, kind).await;
        self.issue(id, 1).await
    }

    pub(crate) async fn id_of(&self, name: &str, kind: LetterKind) -> ObjectId {
        let word = match kind {
            LetterKind::PasswordReset => "passwordReset",
            _ => "emailVerification",
        };
        let this = doc! {"emailKey": address_of(name), "kind": word};
        let stored = self.stored();
        let newest = stored.find_one(this).sort(doc! {"minute": -1});
        let letter = newest.await.unwrap().expect("a letter");
        letter.get_object_id("_id").unwrap()
    }

    pub(crate) async fn issue(&self, id: ObjectId, epoch: i64) -> Option<IssuedLetter> {
        let asked = Self::step(id, epoch);
        body(self.sagas().issue_token(asked).await).letter
    }

    /// What the step of the saga asks.
    pub(crate) fn step(id: ObjectId, epoch: i64) -> IssueTokenRequest {
        let saga = format!("account-letter:{id}");
        IssueTokenRequest {
            operation: saga_operation(format!("{saga}/send-letter"), saga, epoch),
            letter_id: id.to_hex(),
        }
    }

    pub(crate) fn sagas(&self) -> RecoveryClient<reen_chassis::client::PeerChannel> {
        RecoveryClient::new(peer("events-handler", reen_auth::NAME, self.0.address))
    }
}
