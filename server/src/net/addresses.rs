//! Which addresses are offered to clients, and whether they look right.

use std::net::{IpAddr, Ipv4Addr};

use crate::config::Config;

/// An address offered to clients as an ICE candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertised {
    /// The address.
    pub ip: IpAddr,
    /// Why it is offered, for the operator.
    pub reason: String,
}

/// Addresses to offer: those configured, or else those of the interfaces that the media sockets
/// are bound to.
///
/// # Errors
/// What the system says when asked for its interfaces.
pub fn advertised(config: &Config) -> std::io::Result<Vec<Advertised>> {
    if !config.advertise.is_empty() {
        let given = config.advertise.iter();
        return Ok(given
            .map(|ip| Advertised {
                ip: *ip,
                reason: "given with advertise".to_owned(),
            })
            .collect());
    }
    let bind = config.udp.bind;
    if !bind.is_unspecified() {
        return Ok(vec![Advertised {
            ip: bind,
            reason: "udp.bind".to_owned(),
        }]);
    }
    let mut found = Vec::new();
    if config.dev {
        let reason = "this machine, because of --dev".to_owned();
        found.push(Advertised {
            ip: Ipv4Addr::LOCALHOST.into(),
            reason,
        });
    }
    for interface in if_addrs::get_if_addrs()? {
        let ip = interface.ip();
        let is_served = bind.is_ipv6() || ip.is_ipv4();
        if is_served && is_worth_offering(ip) {
            found.push(Advertised {
                ip,
                reason: format!("address of {}", interface.name),
            });
        }
    }
    if found.is_empty() {
        let reason = "no other address was found".to_owned();
        found.push(Advertised {
            ip: Ipv4Addr::LOCALHOST.into(),
            reason,
        });
    }
    Ok(found)
}

/// Loopback and link-local addresses are of no use to others.
fn is_worth_offering(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    }
}

/// What looks wrong about the addresses, with what to do.
pub fn warnings(config: &Config, advertised: &[Advertised], in_container: bool) -> Vec<String> {
    if config.dev || !config.advertise.is_empty() {
        return Vec::new();
    }
    let all_private = advertised.iter().all(|own| is_private(own.ip));
    let mut warnings = Vec::new();
    if in_container {
        warnings.push(
            "this is a container: clients outside it cannot reach its addresses; pass the host's \
             with --advertise IP, or use the host's network"
                .to_owned(),
        );
    } else if all_private && config.udp.bind.is_unspecified() {
        warnings.push(
            "all advertised addresses are private: clients on the internet cannot reach them; \
             behind NAT pass the public address with --advertise IP"
                .to_owned(),
        );
    }
    warnings
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            // RFC 6598: shared by carriers for their NAT.
            ip.is_private() || ip.is_loopback() || (first == 100 && second & 0xC0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(ip: &str) -> Vec<Advertised> {
        vec![Advertised {
            ip: ip.parse().expect("an address"),
            reason: String::new(),
        }]
    }

    #[test]
    fn warns_of_addresses_others_cannot_reach() {
        let config = Config::default();

        assert_eq!(warnings(&config, &own("192.168.1.5"), false).len(), 1);
        assert_eq!(warnings(&config, &own("100.64.0.1"), false).len(), 1);
        assert!(warnings(&config, &own("172.17.0.2"), true)[0].contains("container"));
        assert!(warnings(&config, &own("203.0.113.5"), false).is_empty());
    }

    #[test]
    fn trusts_what_the_operator_says() {
        let ip: IpAddr = "203.0.113.5".parse().expect("an address");
        let config = Config {
            advertise: vec![ip],
            ..Config::default()
        };

        let found = advertised(&config).expect("nothing to ask the system");

        assert_eq!(
            found,
            [Advertised {
                ip,
                reason: "given with advertise".into()
            }]
        );
        assert!(warnings(&config, &found, true).is_empty());
    }
}
