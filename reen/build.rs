//! How the program is linked.

fn main() {
    // What the loader has to set right at each start is told in bits and not in 24 bytes each: three
    // megabytes less that every process reads and keeps. The system's loader must know it (glibc 2.36).
    let system = std::env::var("TARGET").unwrap_or_default();
    if system.ends_with("-linux-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
