//! Whose a listening address is.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::Tree;

/// The process that listens on an address of this machine, or on all addresses: of several that share the socket the
/// first, which is their master as a rule, but none that has started this one: such a process has a socket to pass it on. `None` if there is none, or it is not ours to look at.
pub(crate) fn listening(address: SocketAddr) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    let links: Vec<String> = sockets(&tables.concat(), address)
        .into_iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| has_one(*process, &links) && !Tree::of(*process).has_started_this())
        .min()
}

fn has_one(process: u32, links: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    descriptors.flatten().any(|entry| {
        let target = fs::read_link(entry.path());
        target.is_ok_and(|target| links.iter().any(|link| Path::new(link) == target))
    })
}

/// The inodes of the sockets that listen on an address, from `/proc/net/tcp` and `tcp6` (proc_net(5)); of those that
/// listen on all, if there is none.
fn sockets(text: &str, address: SocketAddr) -> Vec<u64> {
    let all: Vec<(IpAddr, u64)> = text
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            let (ip, port) = local.split_once(':')?;
            // 0A is TCP_LISTEN.
            let listens = *state == "0A" && u16::from_str_radix(port, 16) == Ok(address.port());
            listens.then(|| Some((ip_address(ip)?, inode.parse().ok()?)))?
        })
        .collect();
    let of = |is: &dyn Fn(IpAddr) -> bool| -> Vec<u64> {
        let those = all.iter().filter(|(ip, _)| is(*ip));
        those.map(|(_, inode)| *inode).collect()
    };
    let own = of(&|ip| ip == address.ip().to_canonical());
    match own.is_empty() {
        true => of(&|ip| ip.is_unspecified()),
        false => own,
    }
}

/// An address as the tables have it: words in the order of the machine's bytes.
fn ip_address(hex: &str) -> Option<IpAddr> {
    let words = hex.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16);
        Some(word.ok()?.to_ne_bytes())
    });
    let bytes = words.collect::<Option<Vec<_>>>()?.concat();
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
   3: 0200007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0 100 0 0 10 0
   4: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4715 1 0 100 0 0 10 0
   5: cut
";

    #[test]
    fn finds_the_sockets_that_listen() {
        let cases: [(&str, &[u64]); 8] = [
            ("127.0.0.1:8080", &[4711]),
            ("127.0.0.2:8080", &[4714]),
            ("127.0.0.3:8080", &[]),
            ("127.0.0.1:80", &[4713]),
            ("[::1]:81", &[4715]),
            ("127.0.0.1:81", &[]),
            ("127.0.0.1:40000", &[]),
            ("127.0.0.1:1", &[]),
        ];
        for (address, expected) in cases {
            let found = sockets(TABLE, address.parse().unwrap());
            assert_eq!(found, expected, "{address}");
        }
    }

    #[test]
    fn finds_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listening(address), Some(std::process::id()));
    }
}
