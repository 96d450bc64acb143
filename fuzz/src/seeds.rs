//! What the fuzzer begins with: the requests of `tests/requests`, in the form that each target takes.

use gateway_test::corpus::{CorpusError, folder, load};

use crate::{chunked, connection, environ, hosts, request_head, response, strict_reader};

/// A target: its name, what it asserts, and how a request is given to it.
pub struct Target {
    /// The name of its program.
    pub name: &'static str,
    /// What it runs.
    pub run: fn(&[u8]),
    seed: fn(&[u8]) -> Vec<u8>,
}

/// All targets.
pub const TARGETS: [Target; 7] = [
    target("request_head", request_head, as_it_is),
    target("chunked", chunked, body_of),
    target("connection", connection, with_cuts),
    target("environ", environ, as_it_is),
    target("response", response, as_it_is),
    target("strict_reader", strict_reader, with_cuts),
    target("hosts", hosts, as_it_is),
];

/// The longest request that becomes a seed. Longer ones are there for limits, and make a fuzzer slow.
const LONGEST: usize = 4096;

/// The seeds of a target, each with a name for its file.
///
/// # Errors
///
/// The requests cannot be read.
pub fn seeds(target: &Target) -> Result<Vec<(String, Vec<u8>)>, CorpusError> {
    let cases = load(&folder())?;
    let short = cases.into_iter().filter(|case| case.bytes.len() <= LONGEST);
    let mut seeds: Vec<_> = short
        .map(|case| (case.name.replace('/', "-"), (target.seed)(&case.bytes)))
        .collect();
    if target.name == "environ" {
        let given =
            |(number, vars): (usize, &&str)| (format!("vars-{number}"), vars.as_bytes().to_vec());
        seeds.extend(VARS.iter().enumerate().map(given));
    }
    seeds.retain(|(_, bytes)| !bytes.is_empty());
    Ok(seeds)
}

/// Variables as servers give them.
const VARS: [&str; 3] = [
    "GATEWAY_INTERFACE=CGI/1.1\nREQUEST_METHOD=POST\nSCRIPT_NAME=/a\nPATH_INFO=/b c\nQUERY_STRING=d=e\n\
     REQUEST_URI=/a/b%20c?d=e\nSERVER_NAME=front\nSERVER_PORT=8443\nSERVER_PROTOCOL=HTTP/1.1\nHTTPS=on\n\
     CONTENT_TYPE=text/plain\nCONTENT_LENGTH=3\nHTTP_HOST=outside\nREMOTE_ADDR=10.0.0.1\nREMOTE_PORT=55\n",
    "REQUEST_METHOD=GET\nSCRIPT_NAME=\nPATH_INFO=\nREMOTE_ADDR=unix:\nSERVER_ADDR=::1\nHTTP_COOKIE=a=b\n",
    "REQUEST_METHOD=OPTIONS\nPATH_INFO=*\nREMOTE_USER=alice\nHTTP_X_ONE=1\nHTTP_PROXY=x\nREQUEST_SCHEME=https\n",
];

const fn target(name: &'static str, run: fn(&[u8]), seed: fn(&[u8]) -> Vec<u8>) -> Target {
    Target { name, run, seed }
}

fn as_it_is(request: &[u8]) -> Vec<u8> {
    request.to_vec()
}

/// What follows the first head.
fn body_of(request: &[u8]) -> Vec<u8> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or_else(Vec::new, |end| request[end + 4..].to_vec())
}

/// Two cuts, somewhere.
fn with_cuts(request: &[u8]) -> Vec<u8> {
    let mut bytes = request.to_vec();
    bytes.extend_from_slice(&[0, 9, 0, 40, 2]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_keeps_its_promise_on_every_seed() {
        let mut broken = Vec::new();
        for target in TARGETS {
            for (name, bytes) in seeds(&target).unwrap() {
                if std::panic::catch_unwind(|| (target.run)(&bytes)).is_err() {
                    broken.push(format!("{} {name}", target.name));
                }
            }
        }
        assert!(broken.is_empty(), "{broken:#?}");
    }
}
