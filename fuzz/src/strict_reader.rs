//! Two readers of the same requests: that of gateway-http1, and the one that stands before hyper.

use gateway_core::server;
use gateway_http1::{Limits, Reading};
use gateway_hyper::fuzzing::{Looked, StrictReader, check_head};
use http::{Request, Uri, Version};

use crate::connection::split;
use crate::feed::{Reads, feed};

/// Both find the same requests with the same bodies, and refuse the same one, however the bytes are cut.
/// What the strict reader leaves to hyper and to the checks on the parsed head is judged by those checks,
/// httparse standing in for hyper, which reads with it.
///
/// The bytes are those of [`connection`](crate::connection()).
pub fn strict_reader(bytes: &[u8]) {
    let (bytes, cuts) = split(bytes);
    let reads = feed(bytes, [], &Limits::default());
    let bytes = match reads.requests.last() {
        // The last request of a connection: what follows is nobody's.
        Some(last)
            if last.complete && reads.reading == Reading::Closed && reads.refused.is_none() =>
        {
            &bytes[..last.end]
        }
        _ => bytes,
    };
    let looked = look(bytes, []);
    let cut = look(bytes, cuts.into_iter().map(|cut| cut.min(bytes.len())));
    assert_eq!(verdict(&looked), verdict(&cut), "depends on the cuts");
    compare(bytes, &reads, &looked);
}

/// What must not depend on how bytes arrive. A refusal may come sooner, and then let less pass.
fn verdict(looked: &Looked) -> (u64, bool, bool) {
    (looked.heads, looked.in_head, looked.refused.is_some())
}

/// Looks at the bytes in the pieces that end at `cuts`, as a connection does.
fn look(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) -> Looked {
    let mut reader = StrictReader::new(&server::Limits::default());
    let mut passed = 0;
    for end in cuts.into_iter().chain([bytes.len()]) {
        let mut looked = reader.look(&bytes[passed..end.max(passed)]);
        passed += looked.sound;
        if looked.refused.is_some() || end == bytes.len() {
            looked.sound = passed;
            return looked;
        }
    }
    unreachable!("the last piece ends with the bytes")
}

fn compare(bytes: &[u8], reads: &Reads, looked: &Looked) {
    let heads = reads.requests.len() as u64;
    match (reads.refused, &looked.refused) {
        (None, None) => {
            assert_eq!(looked.heads, heads, "{reads:?}");
            let complete = reads.requests.iter().rfind(|request| request.complete);
            assert!(looked.sound >= complete.map_or(0, |request| request.end));
        }
        // Sooner: the strict reader need not see the end of a line to refuse it.
        (None, Some(refused)) => {
            let ended = [bytes, b"\r\n\r\n"].concat();
            let ended = feed(&ended, [], &Limits::default());
            assert!(ended.refused.is_some(), "{refused:?}, but {reads:?}");
            assert_eq!(looked.heads, ended.requests.len() as u64);
        }
        (Some(error), refused) => {
            let name = format!("{error:?}");
            // A head that the strict reader has let pass, for hyper and the service to judge.
            if looked.heads > heads {
                let start = reads.requests.last().map_or(0, |request| request.end);
                assert!(
                    refuses_head(&bytes[start..]),
                    "{name}, but the head passes: {looked:?}"
                );
                return;
            }
            assert_eq!(looked.heads, heads, "{name}, but {looked:?}");
            // Which of two faults is named first may differ, and with it the status. So may how many
            // bytes it takes to see one.
            if refused.is_none() {
                let ended = [bytes, b"\r\n\r\n"].concat();
                let looked = look(&ended, []);
                assert!(looked.refused.is_some(), "{name}, but {looked:?}");
                assert_eq!(looked.heads, heads);
            }
            let in_body = reads.requests.last().is_some_and(|last| !last.complete);
            assert_eq!(looked.in_head, !in_body, "{name}, but {looked:?}");
        }
    }
}

/// Whether the head at the start of `bytes` is refused once hyper has read it, or by hyper itself.
fn refuses_head(bytes: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Request::new(&mut fields);
    if !head.parse(bytes).is_ok_and(|status| status.is_complete()) {
        return true;
    }
    let version = match head.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let target: Result<Uri, _> = head.path.unwrap_or_default().parse();
    let Ok(target) = target else { return true };
    let mut request = Request::builder()
        .method(head.method.unwrap_or_default())
        .uri(target)
        .version(version);
    for field in head.headers.iter() {
        request = request.header(field.name, field.value);
    }
    let Ok(request) = request.body(()) else {
        return true;
    };
    let too_large = length(request.headers()) > server::Limits::default().body;
    let (mut parts, ()) = request.into_parts();
    too_large || check_head(&mut parts, &server::Limits::default()).is_err()
}

fn length(headers: &http::HeaderMap) -> u64 {
    let length = headers
        .get("content-length")
        .and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}
