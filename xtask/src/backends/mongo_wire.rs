//! As much of MongoDB's wire protocol as starting a replica set needs: one command, one answer.
//!
//! The driver would be half of this crate's build. An `OP_MSG` is a header of four little-endian
//! `i32` (length, request id, response to, opcode 2013), flags, one zero byte (the section kind)
//! and one BSON document: <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bson::Document;

const OP_MSG: i32 = 2013;
const PATIENCE: Duration = Duration::from_secs(10);
/// Message length, request id, response to, opcode.
const HEADER_BYTES: usize = 16;
/// Flags and section kind, between the header and the document.
const SECTION_START: usize = HEADER_BYTES + 5;
/// The answers that are read here are some kilobytes.
const LIMIT: usize = 1 << 20;

/// Runs `command` on the `admin` database of 127.0.0.1:`port` over a direct connection.
pub(crate) fn run_command(port: u16, mut command: Document) -> Result<Document> {
    command.insert("$db", "admin");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&request(&command)?)?;
    let answer = read_answer(&mut stream).context("mongod gave no answer")?;
    Ok(Document::from_reader(answer.as_slice())?)
}

fn request(command: &Document) -> Result<Vec<u8>> {
    let body = command.to_vec()?;
    let length = i32::try_from(SECTION_START + body.len())?;
    let mut message = Vec::with_capacity(SECTION_START + body.len());
    for field in [length, 1, 0, OP_MSG, 0] {
        message.extend_from_slice(&field.to_le_bytes());
    }
    message.push(0);
    message.extend_from_slice(&body);
    Ok(message)
}

/// The document of the next message.
fn read_answer(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_le_bytes(length))?;
    if !(SECTION_START..LIMIT).contains(&length) {
        bail!("a message of {length} bytes is not MongoDB's");
    }
    let mut message = vec![0; length - 4];
    stream.read_exact(&mut message)?;
    Ok(message.split_off(SECTION_START - 4))
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn a_message_is_read_as_it_is_written() {
        let command = doc! { "hello": 1, "$db": "admin" };
        let message = request(&command).unwrap();
        let body = read_answer(&mut message.as_slice()).unwrap();
        assert_eq!(Document::from_reader(body.as_slice()).unwrap(), command);
    }

    #[test]
    fn an_absurd_length_is_refused() {
        let message = i32::MAX.to_le_bytes();
        assert!(read_answer(&mut message.as_slice()).is_err());
    }
}
