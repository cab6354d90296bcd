//! As much of MongoDB's wire protocol as starting a replica set needs: one command, one answer.
//!
//! The driver would be most of xtask's build, and the BSON crate alone half of it. An
//! `OP_MSG` is a header of four little-endian `i32` (length, request id, response to, opcode 2013),
//! flags, one zero byte (the section's kind) and one document, see the driver specification and
//! <https://bsonspec.org/spec.html>. Documents are JSON values here; of BSON's other types only the
//! size is known, and they are read as null.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

const OP_MSG: i32 = 2013;
const PATIENCE: Duration = Duration::from_secs(10);
/// Header, flags and the section's kind come before the document.
const DOCUMENT_START: usize = 16 + 4 + 1;
/// The answers that are read here are some kilobytes.
const LIMIT: usize = 1 << 20;

/// Runs a command on the `admin` database of 127.0.0.1:`port` over a direct connection. The first
/// field is the command's name.
pub(crate) fn run_command(port: u16, fields: &[(&str, Value)]) -> Result<Value> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&request(fields)?)?;
    read_answer(&mut stream).context("mongod gave no answer that is understood")
}

fn request(fields: &[(&str, Value)]) -> Result<Vec<u8>> {
    let database = ("$db", json!("admin"));
    let body = document(
        fields
            .iter()
            .chain([&database])
            .map(|(key, value)| (*key, value)),
    )?;
    let length = i32::try_from(DOCUMENT_START + body.len())?;
    let header = [length, 1, 0, OP_MSG, 0].map(i32::to_le_bytes).concat();
    Ok([header.as_slice(), &[0], &body].concat())
}

fn read_answer(stream: &mut impl Read) -> Result<Value> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_le_bytes(length))?;
    if !(DOCUMENT_START..LIMIT).contains(&length) {
        bail!("a message of {length} bytes");
    }
    let mut message = vec![0; length - 4];
    stream.read_exact(&mut message)?;
    let fields = read_fields(&mut &message[DOCUMENT_START - 4..])?;
    Ok(Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

fn document<'a>(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for (key, value) in fields {
        let (kind, bytes) = element(value)?;
        body.push(kind);
        body.extend_from_slice(key.as_bytes());
        body.push(0);
        body.extend_from_slice(&bytes);
    }
    body.push(0);
    let length = i32::try_from(body.len() + 4)?;
    Ok([&length.to_le_bytes(), body.as_slice()].concat())
}

/// The type's number and the value's bytes.
fn element(value: &Value) -> Result<(u8, Vec<u8>)> {
    Ok(match value {
        Value::String(text) => {
            let length = i32::try_from(text.len() + 1)?;
            (
                0x02,
                [&length.to_le_bytes(), text.as_bytes(), &[0]].concat(),
            )
        }
        Value::Object(fields) => (
            0x03,
            document(fields.iter().map(|(key, value)| (key.as_str(), value)))?,
        ),
        Value::Array(values) => {
            let keys: Vec<String> = (0..values.len()).map(|index| index.to_string()).collect();
            (0x04, document(keys.iter().map(String::as_str).zip(values))?)
        }
        Value::Bool(flag) => (0x08, vec![u8::from(*flag)]),
        Value::Null => (0x0a, Vec::new()),
        Value::Number(number) => {
            let number = number.as_i64().context("a number that is not whole")?;
            (0x10, i32::try_from(number)?.to_le_bytes().to_vec())
        }
    })
}

fn read_fields(bytes: &mut &[u8]) -> Result<Vec<(String, Value)>> {
    let _length: [u8; 4] = take(bytes)?;
    let mut fields = Vec::new();
    loop {
        let [kind] = take(bytes)?;
        if kind == 0 {
            return Ok(fields);
        }
        let end = bytes
            .iter()
            .position(|byte| *byte == 0)
            .context("a name without an end")?;
        let key = String::from_utf8_lossy(skip(bytes, end)?).into_owned();
        let [_zero] = take(bytes)?;
        fields.push((key, read_value(kind, bytes)?));
    }
}

fn read_value(kind: u8, bytes: &mut &[u8]) -> Result<Value> {
    let unused = match kind {
        0x01 => return Ok(json!(f64::from_le_bytes(take(bytes)?))),
        0x02 => {
            let length = usize::try_from(i32::from_le_bytes(take(bytes)?))?;
            let text = String::from_utf8_lossy(skip(bytes, length)?).into_owned();
            return Ok(json!(text.trim_end_matches('\0')));
        }
        0x03 => return Ok(Value::Object(read_fields(bytes)?.into_iter().collect())),
        0x04 => {
            return Ok(read_fields(bytes)?
                .into_iter()
                .map(|(_, value)| value)
                .collect());
        }
        0x08 => return Ok(json!(take(bytes)? == [1])),
        0x10 => return Ok(json!(i32::from_le_bytes(take(bytes)?))),
        0x12 => return Ok(json!(i64::from_le_bytes(take(bytes)?))),
        // Binary data: its length, its subtype and itself.
        0x05 => usize::try_from(i32::from_le_bytes(take(bytes)?))? + 1,
        // Object id; date and timestamp; null.
        0x07 => 12,
        0x09 | 0x11 => 8,
        0x0a => 0,
        other => bail!("a value of the type {other:#x}"),
    };
    skip(bytes, unused).map(|_| Value::Null)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    Ok(skip(bytes, N)?.try_into()?)
}

fn skip<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes
        .split_at_checked(count)
        .context("a document without an end")?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_is_written() {
        let members = json!([{ "_id": 0, "host": "127.0.0.1:1" }]);
        let fields = [
            ("replSetInitiate", json!({ "members": members })),
            ("force", json!(true)),
        ];
        let message = request(&fields).unwrap();
        let expected = json!({
            "replSetInitiate": { "members": members }, "force": true, "$db": "admin",
        });
        assert_eq!(read_answer(&mut message.as_slice()).unwrap(), expected);
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        // The first example of bsonspec.org: {"hello": "world"}.
        let bytes = document([("hello", &json!("world"))].into_iter()).unwrap();
        assert_eq!(
            bytes,
            b"\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"
        );
    }

    #[test]
    fn values_that_are_not_needed_are_stepped_over() {
        let bytes = b"\x1c\x00\x00\x00\x09t\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0an\x00\x10i\x00\x07\x00\x00\x00\x00";
        let fields = read_fields(&mut bytes.as_slice()).unwrap();
        let values: Vec<_> = fields.iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(values, [Value::Null, Value::Null, json!(7)]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(read_answer(&mut i32::MAX.to_le_bytes().as_slice()).is_err());
        assert!(read_fields(&mut b"\x10\x00\x00\x00\x02a".as_slice()).is_err());
    }
}
