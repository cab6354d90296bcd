//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes.

use std::time::Duration;

use bson::DateTime;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use totp_rs::{Algorithm, Builder, Totp, TotpError};

use super::TokenHash;

/// As apps show the account; it may not hold a colon.
const ISSUER: &str = "REEN";
const SECRET_BYTES: usize = 20;
const DIGITS: u8 = 6;
const STEP_SECONDS: u64 = 30;
/// How many steps an app's clock may be early or late.
const SKEW: u16 = 1;
const MILLIS: u64 = 1_000;

/// How many recovery codes there are at first.
const RECOVERY_CODES: usize = 10;
/// Of five bits each. Nobody guesses eighty, so that a fast hash is enough to store.
const RECOVERY_LETTERS: usize = 16;
const RECOVERY_GROUP: usize = 4;
/// Crockford's base32: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many wrong codes of the app are looked at before the rest is refused, and for how long. Only who knows
/// the password, or is signed in, gets to try; recovery codes, which cannot be guessed, go on working.
pub(crate) const MOST_GUESSES: i32 = 10;
/// Hours would lock the owner out for long; a day of this is 240 guesses at a million codes, three of which fit.
pub(crate) const GUESSES_COUNT_FOR: Duration = Duration::from_secs(60 * 60);

/// The number of a half minute since 1970; each is accepted once.
pub(crate) type Step = i64;

/// What the app and we share: 160 bits (RFC 4226, section 4).
#[derive(Clone, Debug)]
pub(crate) struct TotpSecret(SecretSlice<u8>);

impl TotpSecret {
    pub(crate) fn generate() -> Self {
        let bits: [u8; SECRET_BYTES] = rand::random();
        Self(SecretSlice::from(bits.to_vec()))
    }

    /// For sealing.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The step to which `code` belongs, if it is one of those around `now`.
    pub(crate) fn step_of(&self, code: &str, now: DateTime) -> Result<Option<Step>, TotpError> {
        let seconds = now.timestamp_millis().unsigned_abs() / MILLIS;
        let step = self.totp("")?.check(code, seconds);
        Ok(step.and_then(|step| Step::try_from(step).ok()))
    }

    /// As people type it.
    pub(crate) fn base32(&self) -> Result<String, TotpError> {
        Ok(self.totp("")?.secret().to_base32())
    }

    /// As apps scan it (`otpauth://…`), for the account of this address.
    pub(crate) fn uri(&self, email: &str) -> Result<String, TotpError> {
        self.totp(email)?.to_url()
    }

    fn totp(&self, account: &str) -> Result<Totp, TotpError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(STEP_SECONDS)
            .with_skew(SKEW)
            .with_secret(self.expose())
            .with_issuer(Some(ISSUER))
            .with_account_name(account)
            .build()
    }
}

impl From<SecretSlice<u8>> for TotpSecret {
    fn from(bytes: SecretSlice<u8>) -> Self {
        Self(bytes)
    }
}

/// What opens an account once when the app is gone: eighty random bits.
#[derive(Clone, Debug)]
pub(crate) struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// As many as a user gets.
    pub(crate) fn generate_all() -> Vec<Self> {
        let codes = std::iter::repeat_with(Self::generate);
        codes.take(RECOVERY_CODES).collect()
    }

    fn generate() -> Self {
        let bits: [u8; RECOVERY_LETTERS] = rand::random();
        // 256 is a multiple of 32: every letter is as likely as any other.
        let letters = bits.map(|bits| char::from(ALPHABET[usize::from(bits) % ALPHABET.len()]));
        Self(SecretString::from(String::from_iter(letters)))
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.expose_secret())
    }

    /// In groups, as it is written down.
    pub(crate) fn expose(&self) -> String {
        let letters: Vec<char> = self.0.expose_secret().chars().collect();
        let groups: Vec<String> = letters
            .chunks(RECOVERY_GROUP)
            .map(String::from_iter)
            .collect();
        groups.join("-")
    }
}

/// What somebody presents as a second factor, genuine or not.
#[derive(Clone, Debug)]
pub(crate) enum PresentedCode {
    /// Six digits.
    App(SecretString),
    Recovery(RecoveryCode),
}

impl PresentedCode {
    /// However it is grouped; nothing when there is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_gap = |letter: char| letter.is_whitespace() || letter == '-';
        let code: String = text.chars().filter(|letter| !is_gap(*letter)).collect();
        if code.is_empty() {
            return None;
        }
        let is_of_app =
            code.len() == usize::from(DIGITS) && code.bytes().all(|b| b.is_ascii_digit());
        Some(if is_of_app {
            Self::App(SecretString::from(code))
        } else {
            Self::Recovery(RecoveryCode(SecretString::from(code.to_lowercase())))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bson::DateTime;
    use secrecy::{ExposeSecret as _, SecretSlice};

    use super::{PresentedCode, RecoveryCode, TotpSecret};

    /// RFC 6238, appendix B: the secret, and codes of it, of which an app shows the last six digits.
    const RFC_SECRET: &[u8] = b"12345678901234567890";
    const RFC_CODES: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];

    fn rfc_secret() -> TotpSecret {
        SecretSlice::from(RFC_SECRET.to_vec()).into()
    }

    fn step(code: &str, seconds: i64) -> Option<i64> {
        let now = DateTime::from_millis(seconds * 1_000);
        rfc_secret().step_of(code, now).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in RFC_CODES {
            assert_eq!(step(&code[2..], seconds), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_half_a_minute_early_or_late() {
        let (at, code) = (1_111_111_110, "050471");
        for seconds in [at - 30, at - 1, at, at + 29, at + 59] {
            assert_eq!(step(code, seconds), Some(at / 30), "{seconds}");
        }
        for seconds in [at - 31, at + 60] {
            assert_eq!(step(code, seconds), None, "{seconds}");
        }
        for malformed in ["", "50471", "0504710", "05047x", "+50471"] {
            assert_eq!(step(malformed, at), None, "{malformed}");
        }
    }

    #[test]
    fn apps_are_told_what_they_need() {
        let secret = rfc_secret();
        let base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(secret.base32().unwrap(), base32);
        let expected =
            format!("otpauth://totp/REEN:ada%40example%2Ecom?secret={base32}&issuer=REEN");
        let uri = secret.uri("ada@example.com").unwrap();
        assert_eq!(uri.replace("%2E", "."), expected.replace("%2E", "."));
        let made = TotpSecret::generate();
        assert_eq!(made.expose().len(), 20);
        assert!(format!("{made:?}").contains("REDACTED"));
    }

    #[test]
    fn recovery_codes_are_known_however_they_are_typed() {
        let codes = RecoveryCode::generate_all();
        let hashes: HashSet<Vec<u8>> = codes
            .iter()
            .map(|code| code.hash().as_bytes().to_vec())
            .collect();
        assert_eq!(hashes.len(), 10);
        let shown = codes[0].expose();
        assert_eq!(shown.len(), 19);
        assert!(!format!("{codes:?}").contains(&shown.replace('-', "")));
        for typed in [
            &shown,
            &shown.to_uppercase(),
            &format!(" {} ", shown.replace('-', " ")),
        ] {
            match PresentedCode::parse(typed) {
                Some(PresentedCode::Recovery(code)) => assert_eq!(code.hash(), codes[0].hash()),
                other => panic!("{typed}: {other:?}"),
            }
        }
    }

    #[test]
    fn six_digits_are_of_the_app() {
        for typed in ["050471", "050 471", " 050-471\n"] {
            match PresentedCode::parse(typed) {
                Some(PresentedCode::App(code)) => assert_eq!(code.expose_secret(), "050471"),
                other => panic!("{typed}: {other:?}"),
            }
        }
        for other in ["05047", "0504711", "٠٥٠٤٧١"] {
            let parsed = PresentedCode::parse(other);
            assert!(
                matches!(parsed, Some(PresentedCode::Recovery(_))),
                "{other}"
            );
        }
        assert!(PresentedCode::parse(" - ").is_none());
    }
}
