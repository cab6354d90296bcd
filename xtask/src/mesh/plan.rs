//! What will be started: every process with its command line and environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::health;
use super::roles::{self, ALL, CLERK_SIM, MAIL_SIM, ROLES, Role, STRIPE_SIM};
use super::run_file::Run;
use super::variables::{
    BROKER_URL, CLERK_ISSUER, CLERK_SECRETS, CLERK_SIM_PORT, MAIL_SIM_FOLDER, REDIS_URL, SMTP_URL,
    STRIPE_API_BASE, STRIPE_SIM_PORT, Variables, WEBHOOK_SECRET,
};
use crate::backends::Backends;
use crate::layout::Layout;
use crate::settings::Settings;

/// A process that is ready to be started.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<&'static str>,
    /// All that it gets: the environment of xtask is not inherited.
    pub(crate) environment: BTreeMap<String, String>,
    /// Each answers once the process does that part of its work.
    pub(crate) health: Vec<String>,
}

/// How the roles are divided among processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Division {
    /// Each is a process of its own.
    Apart,
    /// One process is all of them.
    Together,
}

/// The whole mesh.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) processes: Vec<Planned>,
    /// The run file without process ids.
    pub(crate) run: Run,
}

/// Plans a start on these backends with the programs of a folder.
pub(crate) fn make(
    layout: &Layout,
    settings: &Settings,
    backends: &Backends,
    programs: &Path,
    division: Division,
) -> Result<Plan> {
    let variables = Variables::choose_for(layout, settings, backends, division)?;
    let mut processes = Vec::new();
    if variables.has_stripe_sim() {
        let secrets = [WEBHOOK_SECRET];
        let health = health::ready_url(&variables.local(STRIPE_SIM_PORT)?);
        processes.push(sim(STRIPE_SIM, &secrets, health, &variables, programs));
    }
    if variables.has_clerk_sim() {
        let health = health::ready_url(&variables.local(CLERK_SIM_PORT)?);
        let process = sim(CLERK_SIM, &CLERK_SECRETS, health, &variables, programs);
        processes.push(process);
    }
    if variables.has_mail_sim() {
        let health = variables.required(SMTP_URL)?.to_owned();
        processes.push(sim(MAIL_SIM, &[], health, &variables, programs));
    }
    match division {
        Division::Apart => {
            for role in &ROLES {
                let alone = std::slice::from_ref(role);
                processes.push(serve(role.name, alone, &variables, programs)?);
            }
        }
        Division::Together => processes.push(serve(ALL, &ROLES, &variables, programs)?),
    }
    let mut run = run_file(&variables)?;
    run.reen = programs.join("reen").display().to_string();
    Ok(Plan { processes, run })
}

/// The process of these roles.
fn serve(
    name: &'static str,
    roles: &[Role],
    variables: &Variables<'_>,
    programs: &Path,
) -> Result<Planned> {
    let mut environment = variables.only(&roles::COMMON);
    environment.extend(variables.only(&[roles::IDENTITY_SECRET]));
    let mut health = Vec::new();
    for role in roles {
        environment.extend(variables.only(role.needs));
        environment.extend(variables.beginning_with(&format!("{}_", role.prefix)));
        health.push(health::ready_url(&variables.admin(role)?));
    }
    Ok(Planned {
        name,
        program: programs.join("reen"),
        arguments: vec!["serve", name],
        environment,
        health,
    })
}

fn sim(
    name: &'static str,
    secrets: &[&str],
    health: String,
    variables: &Variables<'_>,
    programs: &Path,
) -> Planned {
    let mut environment = variables.only(&roles::COMMON);
    environment.extend(variables.only(secrets));
    environment.extend(variables.beginning_with(&format!("{}_SIM_", name.to_uppercase())));
    Planned {
        name,
        program: programs.join("reen-sims"),
        arguments: vec![name],
        environment,
        health: vec![health],
    }
}

fn run_file(variables: &Variables<'_>) -> Result<Run> {
    let mail = |key| variables.get(key).filter(|_| variables.has_mail_sim());
    let mut run = Run {
        gateway: variables.gateway()?,
        broker: variables.required(BROKER_URL)?.to_owned(),
        redis: variables.required(REDIS_URL)?.to_owned(),
        stripe: variables.get(STRIPE_API_BASE).map(str::to_owned),
        clerk: match variables.has_clerk_sim() {
            true => variables.get(CLERK_ISSUER).map(str::to_owned),
            false => None,
        },
        stripe_webhook_secret: variables.required(WEBHOOK_SECRET)?.to_owned(),
        mail: mail(SMTP_URL).map(str::to_owned),
        mail_dir: mail(MAIL_SIM_FOLDER).map(str::to_owned),
        ..Run::default()
    };
    run.operators = variables.only(&roles::COMMON);
    run.operators
        .extend(variables.only(&[roles::IDENTITY_SECRET]));
    for role in &ROLES {
        let own = [role.service_url(), role.database_url(), role.admin_port()];
        let own = own.each_ref().map(String::as_str);
        run.operators.extend(variables.only(&own));
        run.admin
            .insert(role.name.to_owned(), variables.admin(role)?);
        if let Some(database) = role.database {
            let url = variables.required(&role.database_url())?;
            run.mongo.insert(database.to_owned(), url.to_owned());
        }
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(settings: &Settings) -> Plan {
        divided(settings, Division::Apart)
    }

    fn divided(settings: &Settings, division: Division) -> Plan {
        let root = tempfile::tempdir().unwrap();
        let backends = Backends {
            mongo: Some("mongodb://127.0.0.1:1/?replicaSet=rs0".to_owned()),
            broker: Some("amqp://127.0.0.1:2".to_owned()),
            redis: Some("redis://127.0.0.1:3".to_owned()),
            ..Backends::default()
        };
        make(
            &Layout::below(root.path()),
            settings,
            &backends,
            Path::new("/bin"),
            division,
        )
        .unwrap()
    }

    fn process<'a>(plan: &'a Plan, name: &str) -> &'a Planned {
        plan.processes
            .iter()
            .find(|process| process.name == name)
            .unwrap()
    }

    #[test]
    fn each_process_gets_its_own_settings_and_no_other() {
        let plan = plan(&Settings::from([("AUTH_EXTRA", "1"), ("HOME", "/root")]));
        let auth = &process(&plan, "auth").environment;
        assert_eq!(
            auth["AUTH_DATABASE_URL"],
            "mongodb://127.0.0.1:1/reen_auth?replicaSet=rs0"
        );
        assert_eq!(auth["AUTH_EXTRA"], "1");
        for absent in ["STRIPE_SECRET_KEY", "ORDERS_DATABASE_URL", "HOME"] {
            assert!(!auth.contains_key(absent), "{absent}");
        }
        let cart_items = &process(&plan, "cart-items").environment;
        assert!(!cart_items.contains_key("MESSAGE_BROKER_URL"));
        let gateway = &process(&plan, "gateway").environment;
        assert!(gateway.keys().all(|key| !key.ends_with("_DATABASE_URL")));
        assert!(
            !process(&plan, "stripe")
                .environment
                .contains_key(roles::IDENTITY_SECRET)
        );
    }

    #[test]
    fn one_process_can_be_all_roles() {
        let plan = divided(&Settings::default(), Division::Together);
        let names: Vec<_> = plan.processes.iter().map(|each| each.name).collect();
        assert_eq!(names, ["stripe", "clerk", "mail", "all"]);
        let all = process(&plan, "all");
        assert_eq!(all.arguments, ["serve", "all"]);
        assert_eq!(all.health.len(), ROLES.len());
        let environment = &all.environment;
        assert!(environment.contains_key("AUTH_DATABASE_URL"));
        assert!(environment.contains_key("ORDERS_DATABASE_URL"));
        // It has the machine to itself.
        assert!(!environment.contains_key(roles::WORKERS));
    }

    #[test]
    fn the_user_wins() {
        let plan = plan(&Settings::from([("STARTING_BALANCE", "5.00")]));
        assert_eq!(
            process(&plan, "auth").environment["STARTING_BALANCE"],
            "5.00"
        );
    }

    #[test]
    fn letters_are_sent_to_a_stand_in_unless_the_user_has_a_mail_server() {
        let ours = plan(&Settings::from([("MAIL_DIR", "letters")]));
        let url = &process(&ours, "events-handler").environment[SMTP_URL];
        let sim = process(&ours, MAIL_SIM);
        assert_eq!(
            *url,
            format!("smtp://{}", sim.environment["MAIL_SIM_LISTEN"])
        );
        assert_eq!(sim.health, [url.as_str()]);
        let folder = &sim.environment["MAIL_SIM_FOLDER"];
        assert!(Path::new(folder).is_absolute() && folder.ends_with("/letters"));
        assert_eq!(ours.run.mail_dir.as_ref(), Some(folder));
        let there = plan(&Settings::from([("MAIL_SIM_LISTEN", "127.0.0.1:25")]));
        assert_eq!(there.run.mail.as_deref(), Some("smtp://127.0.0.1:25"));
        let real = plan(&Settings::from([(SMTP_URL, "smtp://a")]));
        assert!(real.processes.iter().all(|each| each.name != MAIL_SIM));
        assert_eq!((real.run.mail, real.run.mail_dir), (None, None));
    }

    #[test]
    fn a_real_stripe_key_takes_the_place_of_the_stand_in() {
        let plan = plan(&Settings::from([("STRIPE_SECRET_KEY", "sk_test_1")]));
        assert!(
            plan.processes
                .iter()
                .all(|process| process.name != "stripe")
        );
        assert_eq!(plan.run.stripe, None);
        assert!(
            !process(&plan, "checkout")
                .environment
                .contains_key("STRIPE_API_BASE")
        );
    }

    #[test]
    fn clerk_is_stood_in_for_unless_the_user_has_one() {
        let ours = plan(&Settings::default());
        let issuer = &process(&ours, "gateway").environment["CLERK_ISSUER"];
        assert_eq!(ours.run.clerk.as_ref(), Some(issuer));
        let auth = &process(&ours, "auth").environment;
        assert_eq!(auth["CLERK_API_BASE"], format!("{issuer}/v1"));
        let sim = &process(&ours, "clerk").environment;
        assert_eq!(sim["CLERK_SECRET_KEY"], auth["CLERK_SECRET_KEY"]);
        let theirs = plan(&Settings::from([
            ("CLERK_SECRET_KEY", "sk_test_1"),
            ("CLERK_ISSUER", "https://one.clerk.accounts.dev"),
        ]));
        assert_eq!(theirs.run.clerk, None);
        assert!(theirs.processes.iter().all(|each| each.name != "clerk"));
        let auth = &process(&theirs, "auth").environment;
        assert!(!auth.contains_key("CLERK_API_BASE"));
    }

    #[test]
    fn the_stand_in_is_where_the_services_look_for_it() {
        let plan = plan(&Settings::default());
        let port = &process(&plan, "stripe").environment["STRIPE_SIM_PORT"];
        let base = &process(&plan, "checkout").environment["STRIPE_API_BASE"];
        assert_eq!(base, &format!("http://127.0.0.1:{port}"));
        assert_eq!(plan.run.stripe.as_ref(), Some(base));
    }
}
