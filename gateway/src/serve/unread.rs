use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Sixteen KiB a second, which everything manages that is still there.
const FOR_EACH_BYTE: Duration = Duration::from_micros(61);

/// A connection that ends when what is written to it is not read in time.
///
/// Whoever sends requests for long answers and does not read them would keep all of them in our memory.
/// The time begins when nothing more can be written, is longer for a longer answer, and is over when the
/// whole answer has been handed to the system.
pub(super) struct Impatient<T> {
    stream: T,
    patience: Duration,
    /// While an answer waits for its reader: until when it does.
    unread: Option<Pin<Box<Sleep>>>,
}

impl<T> Impatient<T> {
    pub(super) fn new(stream: T, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            unread: None,
        }
    }

    fn bound(&mut self, cx: &mut Context<'_>, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(end) = &mut self.unread {
                    let bytes = u32::try_from(*bytes).unwrap_or(u32::MAX);
                    let later = end.deadline() + FOR_EACH_BYTE * bytes;
                    end.as_mut().reset(later);
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                let patience = self.patience;
                let from_now = || Box::pin(tokio::time::sleep_until(Instant::now() + patience));
                let end = self.unread.get_or_insert_with(from_now);
                match end.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(Error::new(
                        ErrorKind::TimedOut,
                        "the client does not read its answer",
                    ))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Impatient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Impatient<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bound(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Nothing is flushed before all of it is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() {
            self.unread = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::Impatient;

    const PATIENCE: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let (ours, _theirs) = duplex(4);
        let mut ours = Impatient::new(ours, PATIENCE);
        let refused = ours.write_all(b"more than four").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_reads_byte_by_byte_does_not_stay_for_ever() {
        let (ours, mut theirs) = duplex(1);
        let mut ours = Impatient::new(ours, PATIENCE);
        let reading = tokio::spawn(async move {
            let mut read = 0;
            while theirs.read_u8().await.is_ok() {
                read += 1;
                tokio::time::sleep(PATIENCE / 10).await;
            }
            read
        });
        let refused = ours.write_all(&[0; 1_000]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        drop(ours);
        assert!(reading.await.unwrap() < 100);
    }

    #[tokio::test]
    async fn the_time_is_over_with_the_answer() {
        let (ours, mut theirs) = duplex(1);
        let mut ours = Impatient::new(ours, PATIENCE);
        let reading = tokio::spawn(async move { theirs.read_exact(&mut [0; 9]).await });
        ours.write_all(&[0; 9]).await.unwrap();
        ours.flush().await.unwrap();
        assert!(ours.unread.is_none());
        reading.await.unwrap().unwrap();
    }
}
