//! Every method of every contract is served, and by nobody without an identity.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use prost::Message as _;
use prost_types::FileDescriptorSet;
use reen_tests::Mesh;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request};

/// The prefix of a service's settings, and its process.
const SERVICES: [(&str, &str, &str); 9] = [
    ("reen.auth.v1.Auth", "AUTH", "auth"),
    ("reen.auth.v1.Recovery", "AUTH", "auth"),
    ("reen.auth.v1.SigningKeys", "AUTH", "auth"),
    ("reen.auth.v1.SecondFactors", "AUTH", "auth"),
    ("reen.auth.v1.ApiKeys", "AUTH", "auth"),
    ("reen.products.v1.Products", "PRODUCTS", "products"),
    ("reen.cart_items.v1.CartItems", "CART_ITEMS", "cart-items"),
    ("reen.checkout.v1.Checkout", "CHECKOUT", "checkout"),
    ("reen.orders.v1.Orders", "ORDERS", "orders"),
];

fn methods_of(service: &str) -> Vec<String> {
    let contracts = FileDescriptorSet::decode(reen_proto::DESCRIPTORS).unwrap();
    let files = contracts.file.iter();
    files
        .flat_map(|file| file.service.iter().map(move |each| (file.package(), each)))
        .filter(|(package, each)| format!("{package}.{}", each.name()) == service)
        .flat_map(|(_, each)| each.method.iter().map(|method| method.name().to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_is_served_and_none_without_an_identity() {
    let mesh = Mesh::start().await;
    for (service, prefix, process) in SERVICES {
        let methods = methods_of(service);
        assert!(!methods.is_empty(), "{service}");
        let address = mesh
            .service_url(prefix)
            .trim_start_matches("http://")
            .parse()
            .unwrap();
        for method in methods {
            let path = format!("/{service}/{method}");
            let known = ask(reen_testkit::peer("gateway", process, address), &path).await;
            assert_ne!(known, Code::Unimplemented, "{path}");
            let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"));
            let unknown = ask(channel.unwrap().connect_lazy(), &path).await;
            assert_eq!(unknown, Code::PermissionDenied, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_need_no_identity() {
    let mesh = Mesh::start().await;
    for (_, prefix, _) in SERVICES {
        let address = mesh.service_url(prefix).to_owned();
        for path in [
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            let channel = tonic::transport::Endpoint::from_shared(address.clone());
            let answered = ask(channel.unwrap().connect_lazy(), path).await;
            // Reflection wants a question and says so; what matters is that it is there to say it.
            let served = matches!(answered, Code::Ok | Code::InvalidArgument);
            assert!(served, "{prefix} {path}: {answered:?}");
        }
    }
}

/// Calls a method with an empty message.
async fn ask<C>(channel: C, path: &str) -> Code
where
    C: tonic::client::GrpcService<tonic::body::Body>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    C::ResponseBody: tonic::codegen::Body<Data = tonic::codegen::Bytes> + Send + 'static,
    <C::ResponseBody as tonic::codegen::Body>::Error:
        Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(Into::into).unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = PathAndQuery::try_from(path).unwrap();
    match client.unary(Request::new(()), path, codec).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}
