use std::time::Duration;

/// After so long without an answer whoever waits is told what is being done, again and again.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Does `work`, and says what is being done as long as it lasts.
pub(super) async fn with_signs_of_life<T>(
    work: impl Future<Output = T>,
    sign: impl Fn() -> String,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(SIGN_OF_LIFE, &mut work).await {
            Ok(done) => return done,
            Err(_) => eprintln!("reen: {}", sign()),
        }
    }
}
