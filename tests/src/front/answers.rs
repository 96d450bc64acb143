//! All that a client was answered on a connection.

use gateway_test::client::Reply;

/// An answer, as a client finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The number of the request that it answers, where the application gave it.
    pub number: Option<usize>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self {
            status: reply.status,
            number: reply.field("x-seen").and_then(|number| number.parse().ok()),
            body: reply.body,
        }
    }
}

/// The final answers in what came on a connection until it was closed.
///
/// # Errors
///
/// What comes is no response, or not whole; in words.
pub fn answers_in(mut bytes: &[u8]) -> Result<Vec<Answer>, String> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        if answers.is_empty() && !bytes.starts_with(b"H") {
            // A front that knows HTTP/0.9 answers it so: a body, and nothing else.
            let (number, body) = (None, bytes.to_vec());
            return Ok(vec![Answer {
                status: 200,
                number,
                body,
            }]);
        }
        let (answer, length) =
            next(bytes).map_err(|what| format!("{what}: \"{}\"", bytes.escape_ascii()))?;
        bytes = &bytes[length..];
        if answer.status >= 200 {
            answers.push(answer);
        }
    }
    Ok(answers)
}

/// The answer at the start of `bytes`, and its length.
fn next(bytes: &[u8]) -> Result<(Answer, usize), &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut fields);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err("half a head"),
        Err(_) => return Err("no response"),
    };
    let value = |name: &str| {
        let mut fields = head.headers.iter();
        let found = fields.find(|field| field.name.eq_ignore_ascii_case(name));
        found.and_then(|field| std::str::from_utf8(field.value).ok())
    };
    let mut answer = Answer {
        status: head.code.unwrap_or_default(),
        number: value("x-seen").and_then(|number| number.parse().ok()),
        body: Vec::new(),
    };
    if answer.status < 200 || value("x-method") == Some("HEAD") {
        return Ok((answer, length));
    }
    let rest = &bytes[length..];
    let used = if value("transfer-encoding").is_some() {
        unchunk(rest, &mut answer.body).ok_or("a chunked body that is not whole")?
    } else if let Some(declared) = value("content-length") {
        let declared: usize = declared.parse().map_err(|_| "no length")?;
        // A refusal of HEAD may say how long it would have been.
        let is_head = answer.number.is_none() && (rest.is_empty() || rest.starts_with(b"HTTP/1."));
        let used = if is_head { 0 } else { declared };
        answer.body = rest.get(..used).ok_or("a body that is not whole")?.to_vec();
        used
    } else {
        answer.body = rest.to_vec();
        rest.len()
    };
    Ok((answer, length + used))
}

fn unchunk(bytes: &[u8], body: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(&bytes[at..])
        else {
            return None;
        };
        let data = at + line;
        let end = data.checked_add(usize::try_from(size).ok()?)?;
        body.extend_from_slice(bytes.get(data..end)?);
        if bytes.get(end..end + 2)? != b"\r\n" {
            return None;
        }
        at = end + 2;
        if size == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_answer_and_its_number() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\n\
            HTTP/1.1 200 OK\r\nx-seen: 0\r\nx-method: HEAD\r\ncontent-length: 9\r\n\r\n\
            HTTP/1.1 200 OK\r\nx-seen: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\
            HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\n\r\nno!";
        let answers = answers_in(bytes).unwrap();
        let short: Vec<_> = answers
            .iter()
            .map(|it| (it.status, it.number, &it.body[..]))
            .collect();
        assert_eq!(
            short,
            [
                (200, Some(0), &b""[..]),
                (200, Some(1), b"hi"),
                (400, None, b"no!")
            ]
        );
        for cut in [20, bytes.len() - 1] {
            assert!(answers_in(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(answers_in(b"Hello\r\n\r\n").is_err());
    }
}
