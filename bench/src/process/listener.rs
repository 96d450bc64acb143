//! Whose a listening port is.

use std::fs;
use std::path::Path;

/// The process that listens on a port of this machine: of several that share the socket the first,
/// which is their master as a rule. `None` if there is none, or it is not ours to look at.
pub(crate) fn listening(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inodes: Vec<u64> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|text| sockets(&text, port))
        .collect();
    let links: Vec<String> = inodes
        .iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| has_one(*process, &links))
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

/// The inodes of the sockets that listen on a port, from `/proc/net/tcp` (proc_net(5)).
fn sockets(text: &str, port: u16) -> Vec<u64> {
    let local_port = format!(":{port:04X}");
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            // 0A is TCP_LISTEN.
            (local.ends_with(&local_port) && *state == "0A").then(|| inode.parse().ok())?
        })
        .collect()
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
   3: cut
";

    #[test]
    fn finds_the_sockets_that_listen() {
        let cases: [(u16, &[u64]); 4] = [(8080, &[4711]), (80, &[4713]), (40000, &[]), (1, &[])];
        for (port, expected) in cases {
            assert_eq!(sockets(TABLE, port), expected, "{port}");
        }
    }

    #[test]
    fn finds_this_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listening(port), Some(std::process::id()));
    }
}
