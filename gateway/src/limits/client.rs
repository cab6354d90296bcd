use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// A customer of a provider gets as many addresses as this leaves open.
const IPV6_CUSTOMER_BITS: u32 = 64;

/// Where a request came from, as far as it is one client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientAddress(IpAddr);

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::MAX << (u128::BITS - IPV6_CUSTOMER_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & network))
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Whose word about the addresses of others is taken.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let proxies = text.split(',').map(str::trim);
        let proxies = proxies.filter(|proxy| !proxy.is_empty());
        let network = |proxy: &str| {
            let address = || proxy.parse::<IpAddr>().map(IpNet::from);
            let network = proxy.parse::<IpNet>().or_else(|_| address());
            network.map_err(|_| format!("{proxy:?} is neither an address nor a network"))
        };
        proxies.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    fn include(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who asks over a connection from `peer`. Each proxy adds at the right whom it saw; what stands
    /// left of the first one that is not ours may be invented.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let said = headers.get_all(FORWARDED_FOR).into_iter();
        let said = said.filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            if !self.include(client) {
                break;
            }
            match hop.trim().parse() {
                Ok(address) => client = address,
                Err(_) => break,
            }
        }
        client.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let trusted: TrustedProxies = trusted.parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        trusted.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(client("", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        let ours = "10.0.0.0/8, 192.0.2.7";
        assert_eq!(client(ours, "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn the_last_one_that_is_not_ours_is_the_client() {
        let ours = "10.0.0.0/8, 192.0.2.7";
        let through = |forwarded: &[&str]| client(ours, "192.0.2.7", forwarded);
        assert_eq!(through(&["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            through(&["198.51.100.1, 203.0.113.9, 10.1.1.1"]),
            "203.0.113.9"
        );
        assert_eq!(through(&["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(through(&["203.0.113.9, nonsense"]), "192.0.2.7");
        assert_eq!(through(&[]), "192.0.2.7");
        assert_eq!(through(&["10.3.3.3"]), "10.3.3.3");
    }

    #[test]
    fn one_customer_is_one_client() {
        assert_eq!(client("", "2001:db8:1:2:3::4", &[]), "2001:db8:1:2::");
        assert_eq!(client("", "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for malformed in ["nginx", "10.0.0.0/33", "10.0.0"] {
            assert!(malformed.parse::<TrustedProxies>().is_err(), "{malformed}");
        }
    }
}
