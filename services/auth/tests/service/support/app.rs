use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Builder, Secret};

const STEP_SECONDS: i64 = 30;

/// What an authenticator app shows for a secret so many half minutes from now. One is early enough to be taken,
/// and is another code than that of now.
pub(crate) fn app_code(secret: &str, steps_ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let moment = i64::try_from(now.as_secs()).unwrap() + steps_ahead * STEP_SECONDS;
    let secret = Secret::try_from_base32(secret).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    app.generate(u64::try_from(moment).unwrap()).to_string()
}

/// Six digits that the app does not show about now.
pub(crate) fn wrong_code(secret: &str) -> String {
    let near: Vec<String> = (-2..4).map(|ahead| app_code(secret, ahead)).collect();
    let mut codes = (0..).map(|code| format!("{code:06}"));
    codes.find(|code| !near.contains(code)).unwrap()
}
