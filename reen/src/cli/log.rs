//! `reen log`: what the processes log, and changing that for a while.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use reen_chassis::config::{Environment, Reader};
use reen_chassis::telemetry::{ChangeLevels, LevelsReport, read_filter};
use serde_json::{Value, json};
use url::Url;

use super::Said;
use super::table::table;
use crate::roles::Role;

const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked of which processes.
#[derive(Args)]
pub(crate) struct Options {
    /// What to log, as in RUST_LOG: `debug`, or `info,reen_checkout=debug`. Without one, tells what is logged.
    #[arg(value_parser = filter)]
    filter: Option<String>,
    /// For how long, at most a day: `90s`, `10m`, `2h`.
    #[arg(long = "for", default_value = "10m")]
    lasting: Lasting,
    /// Only these, at {ROLE}_ADMIN_PORT of this machine.
    #[arg(long = "role")]
    roles: Vec<Role>,
    /// Only these, by their admin listeners, e.g. `http://127.0.0.1:9100`.
    #[arg(long, conflicts_with = "roles")]
    at: Vec<Url>,
}

/// A span of time as people type it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lasting(Duration);

impl FromStr for Lasting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [("s", 1), ("m", 60), ("h", 3_600)];
        let mut read = units.iter().filter_map(|(unit, seconds)| {
            let amount: u64 = text.strip_suffix(unit)?.parse().ok()?;
            amount.checked_mul(*seconds)
        });
        let seconds = read
            .next()
            .ok_or("must be a number with s, m or h, e.g. 10m")?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

fn filter(text: &str) -> Result<String, String> {
    read_filter(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// One process, and what it said.
struct Heard {
    name: String,
    said: anyhow::Result<LevelsReport>,
}

pub(super) fn run(options: &Options, environment: &dyn Environment) -> anyhow::Result<Said> {
    let processes = options.processes(environment)?;
    let change = options.filter.as_ref().map(|filter| ChangeLevels {
        filter: filter.clone(),
        seconds: options.lasting.0.as_secs(),
    });
    let hear = |(name, admin): (String, Url)| Heard {
        said: ask(&admin, change.as_ref()),
        name,
    };
    let heard: Vec<Heard> = processes.into_iter().map(hear).collect();
    let text = table(
        ["PROCESS", "LOGS", "UNTIL THEN", "SECONDS LEFT"],
        &heard.iter().map(Heard::row).collect::<Vec<_>>(),
    );
    let json = heard.iter().map(Heard::json).collect();
    if heard.iter().all(|heard| heard.said.is_ok()) {
        Ok(Said::fine(text, json))
    } else {
        Ok(Said::found(text, json))
    }
}

impl Options {
    /// Those that are asked, each with its admin listener.
    fn processes(&self, environment: &dyn Environment) -> anyhow::Result<Vec<(String, Url)>> {
        if !self.at.is_empty() {
            let named = self.at.iter().map(|at| (at.to_string(), at.clone()));
            return Ok(named.collect());
        }
        let roles = match self.roles.as_slice() {
            [] => Role::value_variants(),
            some => some,
        };
        let listening = roles
            .iter()
            .filter_map(|role| Some((role, role.admin_port()?)));
        let read = |reader: &mut Reader<'_>| {
            let address = |(role, (key, port)): (&Role, (String, u16))| {
                let address = reader.address(&key, port)?;
                let url = Url::parse(&format!("http://{address}")).ok()?;
                Some((role.name(), url))
            };
            listening.map(address).collect()
        };
        Ok(Reader::read(environment, read)?)
    }
}

fn ask(admin: &Url, change: Option<&ChangeLevels>) -> anyhow::Result<LevelsReport> {
    let url = admin.join("/log")?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .into();
    let answer = match change {
        Some(change) => agent.put(url.as_str()).send_json(change),
        None => agent.get(url.as_str()).call(),
    };
    let mut answer = answer.with_context(|| format!("nothing answers at {url}"))?;
    if !answer.status().is_success() {
        bail!("{}", answer.body_mut().read_to_string().unwrap_or_default());
    }
    let said = answer.body_mut().read_json();
    said.with_context(|| format!("what answers at {url} is no process of the mesh"))
}

impl Heard {
    fn row(&self) -> [String; 4] {
        let name = self.name.clone();
        match &self.said {
            Ok(said) => {
                let left = said.seconds_left.map(|left| left.to_string());
                let (filter, usual) = (said.filter.clone(), said.usual.clone());
                [name, filter, usual, left.unwrap_or_default()]
            }
            Err(error) => [name, format!("{error:#}"), String::new(), String::new()],
        }
    }

    fn json(&self) -> Value {
        match &self.said {
            Ok(said) => json!({"process": self.name, "log": said}),
            Err(error) => json!({"process": self.name, "problem": format!("{error:#}")}),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Lasting;

    #[test]
    fn a_time_has_a_unit() {
        let read = |text: &str| text.parse::<Lasting>().map(|lasting| lasting.0);
        assert_eq!(read("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(read("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(read("2h"), Ok(Duration::from_secs(7_200)));
        for malformed in ["", "10", "m", "-1m", "1d", "99999999999999999999h"] {
            assert!(read(malformed).is_err(), "{malformed}");
        }
    }
}
