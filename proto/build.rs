//! Compiles the contracts without `protoc`: protox parses, tonic generates.

use std::path::PathBuf;

type BuildResult = Result<(), Box<dyn std::error::Error>>;

const CONTRACTS: [&str; 13] = [
    "reen/operation/v1/operation.proto",
    "reen/paging/v1/paging.proto",
    "reen/auth/v1/auth.proto",
    "reen/auth/v1/recovery.proto",
    "reen/auth/v1/signing_keys.proto",
    "reen/auth/v1/second_factor.proto",
    "reen/auth/v1/api_keys.proto",
    "reen/products/v1/products.proto",
    "reen/cart_items/v1/cart_items.proto",
    "reen/checkout/v1/checkout.proto",
    "reen/orders/v1/orders.proto",
    "reen/events/v1/events.proto",
    "reen/sagas/v1/sagas.proto",
];

fn main() -> BuildResult {
    println!("cargo:rerun-if-changed=reen");
    let descriptors = protox::compile(CONTRACTS, ["."])?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out_dir.join("descriptors.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    let mut config = prost_build::Config::new();
    // The full name of a message is what tells a consumer what it got.
    config.enable_type_names();
    tonic_prost_build::configure()
        // A stand-in of a test implements only what it answers; that the real services leave
        // nothing out is an end-to-end test.
        .generate_default_stubs(true)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
