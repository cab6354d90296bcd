//! Which methods may be sent again when nobody knows whether they were executed.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::HeaderMap;
use prost::Message as _;
use prost_types::method_options::IdempotencyLevel;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto};

use crate::idempotency::KEY_HEADER;

/// The methods of the contracts that say something about being repeated, by path.
static LEVELS: LazyLock<HashMap<String, IdempotencyLevel>> = LazyLock::new(|| {
    let contracts = FileDescriptorSet::decode(reen_proto::DESCRIPTORS).unwrap_or_default();
    contracts.file.iter().flat_map(levels).collect()
});

fn levels(file: &FileDescriptorProto) -> impl Iterator<Item = (String, IdempotencyLevel)> {
    file.service.iter().flat_map(move |service| {
        let level = move |method: &MethodDescriptorProto| {
            let level = method.options.as_ref()?.idempotency_level();
            let (package, service) = (file.package(), service.name());
            Some((format!("/{package}.{service}/{}", method.name()), level))
        };
        service.method.iter().filter_map(level)
    })
}

/// Whether executing the method at `path` twice is the same as once: it only reads, or it answers a
/// repeat under the same name as before and this request has a name.
pub(super) fn may_repeat(path: &str, headers: &HeaderMap) -> bool {
    match LEVELS.get(path) {
        Some(IdempotencyLevel::NoSideEffects) => true,
        Some(IdempotencyLevel::Idempotent) => headers.contains_key(KEY_HEADER),
        Some(IdempotencyLevel::IdempotencyUnknown) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::{KEY_HEADER, may_repeat};

    #[test]
    fn reads_may_be_repeated_and_writes_only_by_name() {
        let unnamed = HeaderMap::new();
        let mut named = HeaderMap::new();
        named.insert(KEY_HEADER, "a.b".parse().unwrap());
        for read in [
            "/reen.products.v1.Products/GetProduct",
            "/reen.auth.v1.Auth/GetJwks",
            "/reen.cart_items.v1.CartItems/ListItems",
        ] {
            assert!(may_repeat(read, &unnamed), "{read}");
        }
        let write = "/reen.cart_items.v1.CartItems/AddItem";
        assert!(may_repeat(write, &named));
        assert!(!may_repeat(write, &unnamed));
        for never in [
            "/reen.auth.v1.Auth/SignUp",
            "/reen.products.v1.Products/CommitHold",
            "/grpc.health.v1.Health/Check",
            "/",
        ] {
            assert!(!may_repeat(never, &named), "{never}");
        }
    }

    #[test]
    fn every_method_takes_one_message_and_gives_one() {
        let contracts = FileDescriptorSet::decode(reen_proto::DESCRIPTORS).unwrap();
        let services = contracts.file.iter().flat_map(|file| &file.service);
        for method in services.flat_map(|service| &service.method) {
            let streams = method.client_streaming() || method.server_streaming();
            assert!(!streams, "the channel carries no stream: {}", method.name());
        }
    }
}
