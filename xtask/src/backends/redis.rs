//! Redis: how it gets onto a machine, and `.reen/backends.json` about it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use reen_backends::redis::{self, VOLATILE};

use super::state::{Backends, port_of};
use super::{Backend, docker, install};
use crate::layout::Layout;
use crate::ports;

const IMAGE: &str = "redis:7";

pub(crate) struct Redis;

impl Backend for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn variable(&self) -> &'static str {
        "REEN_TEST_REDIS_URL"
    }

    fn adopt(&self, url: &str, state: &mut Backends) {
        state.redis = Some(url.to_owned());
    }

    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str> {
        state.redis.as_deref()
    }

    fn answers(&self, state: &Backends) -> bool {
        state
            .redis
            .as_deref()
            .and_then(port_of)
            .is_some_and(redis::says_pong)
    }

    fn marker(&self, layout: &Layout) -> String {
        redis::marker(&layout.private().join("redis"))
    }

    fn program(&self, _: &Layout) -> Option<PathBuf> {
        redis::program()
    }

    fn install(&self, _: &Layout) -> Result<PathBuf> {
        install::apt_install("redis-server")?;
        install::installed("redis-server")
    }

    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()> {
        let folder = layout.private_folder("redis")?;
        let log = layout.log_of("redis")?;
        let port = ports::keep_or_choose(state.redis.as_deref().and_then(port_of))?;
        let mut child = redis::start(program, &folder, port, &log)?;
        state.pids.insert(self.name().to_owned(), child.id());
        redis::wait_until_it_answers(&mut child, port, &log)?;
        state.redis = Some(redis::url(port));
        state.note_version(self.name(), redis::version(program)?);
        Ok(())
    }

    fn start_container(&self, state: &mut Backends) -> Result<()> {
        let port = ports::keep_or_choose(state.redis.as_deref().and_then(port_of))?;
        let publish = format!("127.0.0.1:{port}:6379");
        let command = [&["redis-server"][..], &VOLATILE].concat();
        let container = docker::run("redis", IMAGE, &[&publish], &command)?;
        state
            .containers
            .insert(self.name().to_owned(), container.clone());
        docker::wait_ready(&container, || redis::says_pong(port))?;
        state.redis = Some(redis::url(port));
        state.note_version(self.name(), IMAGE);
        Ok(())
    }
}
