//! Somebody asked for a letter that proves who reads an address: to set a new password, or to verify it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::{IssueTokenRequest, IssuedLetter, LetterKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clients::{Letter, Parties};
use crate::saga::{Call, Compensation, Definition, Follows, Step};

/// Neither who is written to nor the token: both are in the letter alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) letter_id: String,
}

/// Asks for the token and sends it in one go, so that it is stored nowhere between. After a crash the
/// letter is written again, with another token: the one before is void then.
fn send_letter<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let asked = IssueTokenRequest {
            operation: Some(call.operation.to_proto()),
            letter_id: state.letter_id.clone(),
        };
        let issued = call.parties.recovery().issue_token(asked).await?;
        let Some(issued) = issued.into_inner().letter else {
            return Ok(());
        };
        let letter = write(call.parties, &issued)?;
        // Each try is another letter: a mailbox must not take the one that counts for a repeat.
        let id = format!("account.{}", Uuid::new_v4());
        let (name, email) = (&issued.name, &issued.email);
        let mailer = call.parties.mailer();
        Ok(mailer.send(&id, name, email, &letter).await?)
    }
    .boxed()
}

fn write(parties: &Parties, issued: &IssuedLetter) -> Result<Letter, Failure> {
    let page = |name: &str| parties.page(&format!("{name}?token={}", issued.token));
    match issued.kind() {
        LetterKind::PasswordReset => Ok(Letter::ResetPassword {
            link: page("reset-password"),
        }),
        LetterKind::EmailVerification => Ok(Letter::VerifyEmail {
            link: page("verify-email"),
        }),
        LetterKind::Unspecified => {
            let why = "this kind of letter cannot be written";
            Err(Failure::new(Code::Internal, why))
        }
    }
}

pub(crate) const ACCOUNT_LETTER: Definition<State> = Definition {
    kind: "account-letter",
    version: 1,
    steps: &[Step {
        name: "send-letter",
        follows: Follows::Stored,
        action: send_letter,
        compensation: Compensation::NoneOwed("a letter cannot be taken back"),
        final_errors: &[],
    }],
    epilogue: &[],
};
