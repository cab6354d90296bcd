# syntax=docker/dockerfile:1

# One image for every role: `docker run reen serve auth`, and for operators: `docker run reen alerts`.
# Dependencies are a layer of their own, which is built anew only when a manifest or Cargo.lock changes.

FROM rust:1.95.0-slim-bookworm AS toolchain
# What is installed is what rust-toolchain.toml asks for; its components are for developers.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN cargo install cargo-chef --version 0.1.78 --locked
WORKDIR /reen

FROM toolchain AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM toolchain AS dependencies
# `dist` is slower to build and faster to run than `release`.
ARG PROFILE=dist
COPY --from=recipe /reen/recipe.json recipe.json
RUN cargo chef cook --locked --profile "$PROFILE" --package reen

FROM dependencies AS reen
# Builders older than BuildKit forget it from stage to stage.
ARG PROFILE=dist
COPY . .
RUN cargo build --locked --profile "$PROFILE" --package reen \
    && install -D "target/$PROFILE/reen" /out/reen

FROM dependencies AS sims
ARG PROFILE=dist
RUN cargo chef cook --locked --profile "$PROFILE" --package reen-sims
COPY . .
RUN cargo build --locked --profile "$PROFILE" --package reen-sims \
    && install -D "target/$PROFILE/reen-sims" /out/reen-sims

# glibc and libgcc of the Debian that it was built on, an unprivileged user, and neither a shell nor a package manager.
FROM gcr.io/distroless/cc-debian12:nonroot AS production
COPY --from=reen /out/reen /usr/local/bin/reen
# The allocator: a process of some thirty megabytes leaves most of each huge page unused.
ENV MIMALLOC_ALLOW_THP=0
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/reen"]
CMD ["--help"]

# The same with the stand-ins for Stripe and Clerk.
FROM production AS development
COPY --from=sims /out/reen-sims /usr/local/bin/reen-sims

FROM production
