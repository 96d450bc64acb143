//! [`Reply`]: one response, read strictly.

use std::fmt;
use std::io::Read;

use http::Method;

use super::chunked;
use super::error::{ReadError, WrongBytes};
use super::incoming::Incoming;

/// One response as it came.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// Minor version: 1 for HTTP/1.1.
    pub minor_version: u8,
    /// The status.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
    /// Name, as sent, and value of each field, in order. Bytes beyond ASCII are read as ISO-8859-1.
    pub fields: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// How long each chunk was, where the body is chunked.
    pub chunks: Vec<usize>,
    /// The trailer fields, as [`fields`](Self::fields).
    pub trailers: Vec<(String, String)>,
    /// What told the end of the body.
    pub end: BodyEnd,
}

/// What tells the end of a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyEnd {
    /// The response has none: HEAD, 1xx, 204, 304.
    None,
    /// Content-Length.
    Length(u64),
    /// The last chunk.
    Chunked,
    /// The end of the connection.
    Close,
}

impl Reply {
    /// Whether it is an interim response.
    pub fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// The values of all fields of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        values(&self.fields, name)
    }

    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Whether the host says that it closes the connection.
    pub fn says_close(&self) -> bool {
        let options = self.all("connection").join(",");
        options
            .split(',')
            .any(|option| option.trim().eq_ignore_ascii_case("close"))
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is not text: {error}"),
        }
    }
}

/// Short enough for the message of an assertion.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.body.len().min(80);
        write!(f, "{} {} {:?}", self.status, self.reason, self.fields)?;
        write!(f, " \"{}\"", self.body[..start].escape_ascii())?;
        if start < self.body.len() {
            write!(f, "… {} bytes", self.body.len())?;
        }
        if !self.trailers.is_empty() {
            write!(f, " {:?}", self.trailers)?;
        }
        Ok(())
    }
}

/// Reads one response to a request with `method`.
pub(super) fn read<R: Read>(
    incoming: &mut Incoming<R>,
    method: &Method,
) -> Result<Reply, ReadError> {
    let mut reply = read_head(incoming)?;
    reply.end = body_end(&reply, method)?;
    match read_body(incoming, &mut reply) {
        Ok(()) => Ok(reply),
        Err(error) => Err(error.within(reply)),
    }
}

fn read_head<R: Read>(incoming: &mut Incoming<R>) -> Result<Reply, ReadError> {
    let line = text(&incoming.line()?);
    let (minor_version, status, reason) =
        status_line(&line).ok_or(WrongBytes::StatusLine(line.clone()))?;
    let fields = match read_fields(incoming) {
        Err(ReadError::Closed) => return Err(ReadError::Truncated { reply: None }),
        fields => fields?,
    };
    Ok(Reply {
        minor_version,
        status,
        reason: reason.to_owned(),
        fields,
        body: Vec::new(),
        chunks: Vec::new(),
        trailers: Vec::new(),
        end: BodyEnd::None,
    })
}

/// `HTTP/1.1 200 OK` into its parts; the space before an empty reason must be there (RFC 9112 §4).
fn status_line(line: &str) -> Option<(u8, u16, &str)> {
    let rest = line.strip_prefix("HTTP/1.")?;
    let (version, rest) = rest.split_once(' ')?;
    let (status, reason) = rest.split_once(' ')?;
    let minor = match version {
        "0" => 0,
        "1" => 1,
        _ => return None,
    };
    let digits = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    let status = status.parse().ok().filter(|_| digits)?;
    let visible = |character: char| character == '\t' || !character.is_control();
    let valid = (100..=599).contains(&status) && reason.chars().all(visible);
    valid.then_some((minor, status, reason))
}

/// Field lines up to the empty line: of a head, or of trailers.
pub(super) fn read_fields<R: Read>(
    incoming: &mut Incoming<R>,
) -> Result<Vec<(String, String)>, ReadError> {
    let mut fields = Vec::new();
    loop {
        let line = text(&incoming.line()?);
        if line.is_empty() {
            return Ok(fields);
        }
        let field = field_line(&line).ok_or(WrongBytes::FieldLine(line.clone()))?;
        fields.push(field);
    }
}

fn field_line(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let visible = |character: char| character == '\t' || !character.is_control();
    let valid = !name.is_empty() && name.bytes().all(token) && value.chars().all(visible);
    valid.then(|| (name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

/// RFC 9112 §6.3, as the recipient of a response.
fn body_end(reply: &Reply, method: &Method) -> Result<BodyEnd, WrongBytes> {
    let length = content_length(&reply.all("content-length"))?;
    let chunked = is_chunked(&reply.all("transfer-encoding"))?;
    if chunked && length.is_some() {
        return Err(WrongBytes::ConflictingFraming);
    }
    let framed = chunked || length.is_some();
    if framed && (reply.is_interim() || reply.status == 204) {
        return Err(WrongBytes::UnexpectedFraming(reply.status));
    }
    if reply.is_interim() || matches!(reply.status, 204 | 304) || *method == Method::HEAD {
        return Ok(BodyEnd::None);
    }
    Ok(match length {
        Some(length) => BodyEnd::Length(length),
        None if chunked => BodyEnd::Chunked,
        None => BodyEnd::Close,
    })
}

fn content_length(values: &[&str]) -> Result<Option<u64>, WrongBytes> {
    let wrong = || WrongBytes::ContentLength(values.iter().map(ToString::to_string).collect());
    match values {
        [] => Ok(None),
        [value] if value.bytes().all(|byte| byte.is_ascii_digit()) => {
            value.parse().map(Some).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

fn is_chunked(values: &[&str]) -> Result<bool, WrongBytes> {
    match values {
        [] => Ok(false),
        [value] if value.eq_ignore_ascii_case("chunked") => Ok(true),
        _ => Err(WrongBytes::TransferEncoding(
            values.iter().map(ToString::to_string).collect(),
        )),
    }
}

fn read_body<R: Read>(incoming: &mut Incoming<R>, reply: &mut Reply) -> Result<(), ReadError> {
    match reply.end {
        BodyEnd::None => Ok(()),
        BodyEnd::Chunked => chunked::read(incoming, reply),
        BodyEnd::Length(length) => read_length(incoming, length, &mut reply.body),
        BodyEnd::Close => {
            let rest = incoming.rest();
            match rest {
                Ok(rest) => reply.body = rest,
                Err(error) => {
                    reply.body = incoming.take();
                    return Err(error);
                }
            }
            Ok(())
        }
    }
}

/// Reads `length` bytes into `body`; what comes before an end is kept.
pub(super) fn read_length<R: Read>(
    incoming: &mut Incoming<R>,
    length: u64,
    body: &mut Vec<u8>,
) -> Result<(), ReadError> {
    const PIECE: u64 = 64 * 1024;
    let mut left = length;
    while left > 0 {
        let piece = left.min(PIECE) as usize; // at most PIECE
        match incoming.exactly(piece) {
            Ok(bytes) => body.extend_from_slice(&bytes),
            Err(error) => {
                body.extend_from_slice(&incoming.take());
                return Err(error);
            }
        }
        left -= piece as u64;
    }
    Ok(())
}

fn values<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let named = fields
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str()).collect()
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = self.0.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    /// Reads whole and byte by byte, which must agree, and gives what is left over too.
    fn parse(bytes: &str, method: &Method) -> (Result<Reply, ReadError>, String) {
        let mut dribbled = Incoming::new(Dribble(bytes.as_bytes()));
        let slow = read(&mut dribbled, method);
        let mut whole = Incoming::new(bytes.as_bytes());
        let fast = read(&mut whole, method);
        assert_eq!(format!("{slow:?}"), format!("{fast:?}"), "{bytes:?}");
        let left = String::from_utf8(whole.rest().unwrap()).unwrap();
        (fast, left)
    }

    fn get(bytes: &str) -> Result<Reply, ReadError> {
        parse(bytes, &Method::GET).0
    }

    #[test]
    fn reads_each_framing_and_leaves_what_follows() {
        for (bytes, method, body, end, left) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP",
                Method::GET,
                "hi",
                BodyEnd::Length(2),
                "HTTP",
            ),
            (
                "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nx",
                Method::GET,
                "hi",
                BodyEnd::Chunked,
                "x",
            ),
            (
                "HTTP/1.0 200 OK\r\n\r\nall of it",
                Method::GET,
                "all of it",
                BodyEnd::Close,
                "",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx",
                Method::HEAD,
                "",
                BodyEnd::None,
                "x",
            ),
            (
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nx",
                Method::GET,
                "",
                BodyEnd::None,
                "x",
            ),
            (
                "HTTP/1.1 204 No Content\r\n\r\nx",
                Method::GET,
                "",
                BodyEnd::None,
                "x",
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nx",
                Method::POST,
                "",
                BodyEnd::None,
                "x",
            ),
        ] {
            let (reply, rest) = parse(bytes, &method);
            let reply = reply.unwrap();
            assert_eq!(
                (reply.text(), reply.end, &*rest),
                (body, end, left),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn keeps_chunk_sizes_and_trailers() {
        let reply = get(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nX-T: v\r\n\r\n",
        );
        let reply = reply.unwrap();
        assert_eq!((reply.text(), &*reply.chunks), ("abc", &[1, 2][..]));
        assert_eq!(reply.trailers, [("X-T".to_owned(), "v".to_owned())]);
    }

    #[test]
    fn refuses_what_is_no_response() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for bytes in [
            "HTTP/1.1 200\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 99 x\r\n\r\n",
            "HTTP/1.1 600 x\r\n\r\n",
            "HTTP/1.1 200 OK\n\r\n",
            "HTTP/1.1 200 OK\r\nA: 1\n\r\n",
            "HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA\r\n\r\n",
            "HTTP/1.1 200 OK\r\n A: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \u{1}\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(matches!(get(bytes), Err(ReadError::Wrong(_))), "{bytes:?}");
        }
        for body in [
            "\r\n",
            "0x1\r\n",
            "+1\r\na\r\n0\r\n\r\n",
            "1;x\r\na\r\n0\r\n\r\n",
            "1\na\r\n0\r\n\r\n",
            "1\r\nab0\r\n\r\n",
            "0\r\nContent-Length: 1\r\n\r\n",
            "fffffffffffffffff\r\n",
        ] {
            let bytes = format!("{chunked}{body}");
            assert!(matches!(get(&bytes), Err(ReadError::Wrong(_))), "{bytes:?}");
        }
    }

    #[test]
    fn tells_truncation_from_an_end_and_keeps_what_came() {
        assert!(matches!(get(""), Err(ReadError::Closed)));
        for bytes in ["HTT", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b"] {
            let error = get(bytes).unwrap_err();
            assert!(error.is_cut() && error.reply().is_none(), "{bytes:?}");
        }
        for (bytes, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", ""),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "ab"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                "ab",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\nc",
                "abc",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
                "ab",
            ),
        ] {
            let error = get(bytes).unwrap_err();
            assert_eq!(error.reply().unwrap().text(), body, "{bytes:?}");
        }
    }
}
