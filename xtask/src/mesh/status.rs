//! `cargo xtask status`: a line for each process.

use std::fs;

use super::health::{is_ready, ready_url};
use super::roles::{SIMS, process_names};
use super::run_file::Run;
use crate::backends;
use crate::layout::Layout;

/// Prints the mesh and its backends.
pub(crate) fn status(layout: &Layout) {
    let run = Run::load(layout);
    println!(
        "{:<16}{:>8}{:>7}  {:<10}{:>9}{:>9}",
        "process", "pid", "admin", "health", "uptime", "memory"
    );
    for name in
        process_names().filter(|name| !SIMS.contains(name) || run.processes.contains_key(*name))
    {
        println!("{}", line(&run, name));
    }
    println!();
    backends::show(layout);
}

fn line(run: &Run, name: &str) -> String {
    let url = run.url(name);
    let port = url.and_then(|url| url.rsplit(':').next()).unwrap_or("-");
    let Some(known) = run.process(name).filter(|known| known.is_running()) else {
        return format!("{name:<16}{:>8}{port:>7}  down", "-");
    };
    let health = match url {
        Some(base) => is_ready(&ready_url(base)),
        None => false,
    };
    let health = if health { "ready" } else { "not ready" };
    let uptime = uptime_seconds(known.pid).map(duration).unwrap_or_default();
    let memory = resident_kib(known.pid).map(mebibytes).unwrap_or_default();
    format!(
        "{name:<16}{:>8}{port:>7}  {health:<10}{uptime:>9}{memory:>9}",
        known.pid
    )
}

/// How long a process has been running.
fn uptime_seconds(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let since_boot = fs::read_to_string("/proc/uptime").ok()?;
    let now: u64 = since_boot.split('.').next()?.parse().ok()?;
    Some(now.saturating_sub(start_ticks(&stat)? / rustix::param::clock_ticks_per_second()))
}

/// Field 22 of `/proc/PID/stat`: the process's start, in clock ticks since boot. The second field,
/// the program's name, may hold blanks.
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn mebibytes(kib: u64) -> String {
    format!("{} MiB", kib / 1024)
}

fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_behind_a_name_with_blanks() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(start_ticks(stat), Some(4242));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(59), "59s");
        assert_eq!(duration(61), "1m 01s");
        assert_eq!(duration(7_380), "2h 03m");
    }

    #[test]
    fn this_process_has_an_uptime_and_memory() {
        let own = std::process::id();
        assert!(uptime_seconds(own).unwrap() < 3600);
        assert!(resident_kib(own).unwrap() > 0);
    }
}
