//! What every call to a peer carries: who calls, for whom, within what time, under which name.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use reen_error::{Code, Failure};

use crate::context::CallContext;
use crate::idempotency::KEY_HEADER;
use crate::identity::Identity;
use crate::server::{CALLER_HEADER, REQUEST_ID_HEADER};

/// How long a call may take when whoever waits named no deadline.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// Signs every call and hands on what the current [`CallContext`] says.
#[derive(Clone, Debug)]
pub struct Outbound {
    pub(super) identity: Identity,
    pub(super) audience: &'static str,
}

impl Interceptor for Outbound {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let context = CallContext::current();
        let remaining = context.remaining(DEFAULT_DEADLINE);
        if remaining.is_zero() {
            let late = Failure::new(Code::DeadlineExceeded, Code::DeadlineExceeded.title());
            return Err(late.into());
        }
        request.set_timeout(remaining);
        let token = self.identity.sign(self.audience, context.user.as_deref());
        request.metadata_mut().insert(CALLER_HEADER, ascii(&token)?);
        if let Some(request_id) = context.request_id.as_deref() {
            request
                .metadata_mut()
                .insert(REQUEST_ID_HEADER, ascii(request_id)?);
        }
        if let Some(key) = &context.idempotency {
            request
                .metadata_mut()
                .insert(KEY_HEADER, ascii(&key.text())?);
        }
        Ok(request)
    }
}

/// A value of this call alone: neither printed with other headers nor kept in the header tables of the
/// connection, where it would push out what every call says.
fn ascii(value: &str) -> Result<MetadataValue<Ascii>, Status> {
    let mut value = MetadataValue::try_from(value)
        .map_err(|_| Failure::new(Code::BadHeader, "a header value is not ASCII"))?;
    value.set_sensitive(true);
    Ok(value)
}
