//! Free ports on the loopback interface.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};

/// Below `net.ipv4.ip_local_port_range`.
const CHOSEN: Range<u16> = 12_000..32_000;
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Whether a listener could be bound to 127.0.0.1:`port` now.
#[must_use]
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Whether something accepts connections on 127.0.0.1:`port`.
#[must_use]
pub fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
}

/// A free port outside of the range from which Linux takes the ports of outgoing connections: whoever
/// binds it later, or is ended and started again on it, finds it free still. Never the same twice in one
/// process.
///
/// # Errors
/// None is free.
pub fn choose() -> Result<u16> {
    let last = CHOSEN.end - CHOSEN.start;
    for _ in 0..last {
        // Other processes choose at the same time: each begins somewhere else and never goes back.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = std::process::id().wrapping_mul(211).wrapping_add(step) % u32::from(last);
        let port = CHOSEN.start + u16::try_from(offset).unwrap_or_default();
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!("no port from {} to {} is free", CHOSEN.start, CHOSEN.end)
}

/// `wanted` when it is free (a restarted backend keeps its address), another one otherwise.
///
/// # Errors
/// No port is free at all.
pub fn keep_or_choose(wanted: Option<u16>) -> Result<u16> {
    match wanted {
        Some(port) if is_free(port) => Ok(port),
        _ => choose(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_ports_differ_and_are_free() {
        let (first, second) = (choose().unwrap(), choose().unwrap());
        assert_ne!(first, second);
        assert!(CHOSEN.contains(&first) && CHOSEN.contains(&second));
        assert!(is_free(first) && is_free(second));
    }

    #[test]
    fn a_taken_port_is_not_kept() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = holder.local_addr().unwrap().port();
        assert_ne!(keep_or_choose(Some(taken)).unwrap(), taken);
        assert!(answers(taken));
    }
}
