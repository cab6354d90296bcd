use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

const END: &[u8] = b"\r\n";

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// One that was longer than allowed, and is dropped.
    TooLong,
    /// The sender is gone, whatever it had begun.
    Gone,
}

/// Reads up to the next CRLF, and keeps no more than `longest` bytes of it. A lone LF ends no line (RFC 5321, 2.3.8):
/// who takes it for an end can be talked into letters that their sender never sent.
pub(super) async fn next_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    longest: usize,
) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(Line::Gone);
        }
        let newline = available.iter().position(|byte| *byte == b'\n');
        let taken = newline.map_or(available.len(), |at| at + 1);
        line.extend_from_slice(available.get(..taken).unwrap_or_default());
        reader.consume(taken);
        is_too_long |= line.len() > longest;
        if line.ends_with(END) {
            line.truncate(line.len() - END.len());
            return Ok(if is_too_long {
                Line::TooLong
            } else {
                Line::Whole(line)
            });
        }
        if is_too_long {
            // Its CR may have come, and its LF not yet.
            line.drain(..line.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, next_line};

    async fn lines(mut bytes: &[u8], longest: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        while lines.last() != Some(&Line::Gone) {
            lines.push(next_line(&mut bytes, longest).await.unwrap());
        }
        lines
    }

    #[tokio::test]
    async fn only_both_end_a_line() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        let read = lines(b"a\nb\r\n\r\nc\rd\r\nhalf", 10).await;
        assert_eq!(read, [whole("a\nb"), whole(""), whole("c\rd"), Line::Gone]);
    }

    #[tokio::test]
    async fn what_follows_a_line_that_is_too_long_is_read() {
        let read = lines(b"1234\r\n12345\r\n1\n2\n3\n4\n5\r\n12\r\n", 6).await;
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(
            read,
            [
                whole("1234"),
                Line::TooLong,
                Line::TooLong,
                whole("12"),
                Line::Gone
            ]
        );
    }
}
