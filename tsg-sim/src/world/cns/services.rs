//! The tag `triton.cns.services`: its grammar, and what it says.
//! It never asks whether the machine may be listed.

/// What SRV records say of an entry without `priority` and `weight`, as the real name service does.
const DEFAULT_PRIORITY: u16 = 0;
const DEFAULT_WEIGHT: u16 = 10;

/// One service of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its label, in lower case.
    pub(crate) label: String,
    /// Where it listens, as far as the tag says so; each port once.
    pub(crate) ports: Vec<ServicePort>,
}

/// One port of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServicePort {
    pub(crate) port: u16,
    pub(crate) priority: u16,
    pub(crate) weight: u16,
}

/// Reads the tag: its services in their order, each once; or what is wrong with it, in upstream's words.
pub(crate) fn parse(text: &str) -> Result<Vec<Service>, String> {
    if text.is_empty() {
        return Err("expected a service name but found end of input".to_owned());
    }
    let mut services: Vec<Service> = Vec::new();
    for entry in text.split(',') {
        let (label, port) = parse_entry(entry.trim())?;
        let at = services.iter().position(|service| service.label == label).unwrap_or_else(|| {
            services.push(Service { label, ports: Vec::new() });
            services.len() - 1
        });
        let ports = services.get_mut(at).map(|service| &mut service.ports);
        if let (Some(ports), Some(port)) = (ports, port) {
            ports.retain(|known| known.port != port.port);
            ports.push(port);
        }
    }
    Ok(services)
}

/// `name[:port][:key=value]...`; of several values for a key the last one stands.
fn parse_entry(entry: &str) -> Result<(String, Option<ServicePort>), String> {
    let mut parts = entry.split(':');
    let name = parts.next().unwrap_or_default();
    let is_name = (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name {
        return Err(format!("expected a service name but found {name:?}"));
    }
    let (mut port, mut priority, mut weight) = (None, DEFAULT_PRIORITY, DEFAULT_WEIGHT);
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or(("port", part));
        let unsupported = || format!("property {key:?} of service {name} is not supported");
        match key {
            "port" => port = Some(parse_port(name, value)?),
            "priority" => priority = value.parse().map_err(|_| unsupported())?,
            "weight" => weight = value.parse().map_err(|_| unsupported())?,
            _ => return Err(unsupported()),
        }
    }
    Ok((name.to_ascii_lowercase(), port.map(|port| ServicePort { port, priority, weight })))
}

fn parse_port(service: &str, text: &str) -> Result<u16, String> {
    let port = text.parse::<u16>().ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("service port number for {service} must be within the range 1 - 65535"))
}

#[cfg(test)]
mod tests {
    use super::{Service, ServicePort, parse};

    fn port(port: u16, priority: u16, weight: u16) -> ServicePort {
        ServicePort { port, priority, weight }
    }

    fn service(label: &str, ports: &[ServicePort]) -> Service {
        Service { label: label.to_owned(), ports: ports.to_vec() }
    }

    #[test]
    fn entries_of_one_label_are_one_service() {
        let cases = [
            ("foo", vec![service("foo", &[])]),
            ("foo:1234", vec![service("foo", &[port(1234, 0, 10)])]),
            ("Foo,bar", vec![service("foo", &[]), service("bar", &[])]),
            ("foo:port=1234", vec![service("foo", &[port(1234, 0, 10)])]),
            ("foo:1234:port=1235", vec![service("foo", &[port(1235, 0, 10)])]),
            ("foo:1234:priority=20:weight=30", vec![service("foo", &[port(1234, 20, 30)])]),
            (
                "foo:1234, foo:1235 ,bar,foo",
                vec![service("foo", &[port(1234, 0, 10), port(1235, 0, 10)]), service("bar", &[])],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["", " ", "a b", "web:0", "web:70000", "web:port=0", "web:x", "web:ttl=3", "web:weight=-1", "web,"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
