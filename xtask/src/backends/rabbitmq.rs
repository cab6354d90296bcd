//! RabbitMQ: how it gets onto a machine, and `.reen/backends.json` about it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use reen_backends::rabbitmq::{self, Place};

use super::state::{Backends, port_of};
use super::{Backend, docker, install};
use crate::layout::Layout;
use crate::ports;

const IMAGE: &str = "rabbitmq:4-management";

pub(crate) struct RabbitMq;

impl Backend for RabbitMq {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn variable(&self) -> &'static str {
        "REEN_TEST_BROKER_URL"
    }

    fn adopt(&self, url: &str, state: &mut Backends) {
        state.broker = Some(url.to_owned());
        state.broker_api = std::env::var("REEN_TEST_BROKER_API").ok();
    }

    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str> {
        state.broker.as_deref()
    }

    fn answers(&self, state: &Backends) -> bool {
        let is_up = |port| rabbitmq::version(port).is_ok();
        state
            .broker
            .as_deref()
            .and_then(port_of)
            .is_some_and(rabbitmq::speaks_amqp)
            && state
                .broker_api
                .as_deref()
                .and_then(port_of)
                .is_none_or(is_up)
    }

    fn marker(&self, layout: &Layout) -> String {
        rabbitmq::marker(&layout.private().join("rabbitmq"))
    }

    fn helpers(&self) -> &'static [&'static str] {
        &["epmd"]
    }

    fn program(&self, _: &Layout) -> Option<PathBuf> {
        rabbitmq::program()
    }

    fn install(&self, _: &Layout) -> Result<PathBuf> {
        install::apt_install("rabbitmq-server")?;
        install::installed(rabbitmq::PROGRAM)
    }

    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()> {
        let amqp = ports::keep_or_choose(state.broker.as_deref().and_then(port_of))?;
        let management = ports::keep_or_choose(state.broker_api.as_deref().and_then(port_of))?;
        let place = Place::prepare(&layout.private_folder("rabbitmq")?, amqp, management)?;
        let port_mapper = place.start_port_mapper(&layout.log_of("epmd")?)?;
        state.pids.insert("epmd".to_owned(), port_mapper.id());
        place.start(program, &layout.log_of("rabbitmq")?)?;
        state.pids.insert(self.name().to_owned(), place.pid()?);
        note_addresses(state, amqp, management)
    }

    fn start_container(&self, state: &mut Backends) -> Result<()> {
        let amqp = ports::keep_or_choose(state.broker.as_deref().and_then(port_of))?;
        let management = ports::keep_or_choose(state.broker_api.as_deref().and_then(port_of))?;
        let publish = [
            format!("127.0.0.1:{amqp}:5672"),
            format!("127.0.0.1:{management}:15672"),
        ];
        let container = docker::run("rabbitmq", IMAGE, &[&publish[0], &publish[1]], &[])?;
        state
            .containers
            .insert(self.name().to_owned(), container.clone());
        docker::wait_ready(&container, || {
            rabbitmq::speaks_amqp(amqp) && rabbitmq::version(management).is_ok()
        })?;
        note_addresses(state, amqp, management)
    }
}

fn note_addresses(state: &mut Backends, amqp: u16, management: u16) -> Result<()> {
    state.broker = Some(rabbitmq::url(amqp));
    state.broker_api = Some(rabbitmq::api_url(management));
    state.note_version("rabbitmq", rabbitmq::version(management)?);
    Ok(())
}
