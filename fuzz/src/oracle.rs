//! How another reader takes the same bytes: httparse for lines, a few lines of our own for what it leaves
//! to its user.

use http::HeaderMap;

/// A field as it stands on the wire: its name in lower case, its value without the spaces around it.
pub(crate) type Field = (String, Vec<u8>);

/// The fields that httparse found.
pub(crate) fn owned(fields: &[httparse::Header<'_>]) -> Vec<Field> {
    let own = |field: &httparse::Header<'_>| (field.name.to_ascii_lowercase(), trim(field.value));
    fields.iter().map(own).collect()
}

/// The fields of a map, in its order.
pub(crate) fn listed(fields: &HeaderMap) -> Vec<Field> {
    let own = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), trim(value.as_bytes()))
    };
    fields.iter().map(own).collect()
}

/// All values of each name, in order: what a map keeps of the order of lines.
pub(crate) fn by_name(mut fields: Vec<Field>) -> Vec<Field> {
    fields.sort_by(|one, other| one.0.cmp(&other.0)); // stable
    fields
}

/// The values of a field.
pub(crate) fn values<'a>(fields: &'a [Field], name: &str) -> Vec<&'a [u8]> {
    let named = fields.iter().filter(|(known, _)| known == name);
    named.map(|(_, value)| value.as_slice()).collect()
}

/// A chunked body as httparse reads it.
pub(crate) struct Unchunked {
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Field>,
    /// How long all of it was.
    pub(crate) used: usize,
}

/// Reads a chunked body; `None` if it is not whole, or not sound to httparse.
pub(crate) fn unchunk(bytes: &[u8]) -> Option<Unchunked> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (line, size) = whole(httparse::parse_chunk_size(&bytes[at..]).ok()?)?;
        at += line;
        if size == 0 {
            break;
        }
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        body.extend_from_slice(bytes.get(at..end)?);
        if bytes.get(end..end + 2)? != b"\r\n" {
            return None;
        }
        at = end + 2;
    }
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let (length, trailers) = whole(httparse::parse_headers(&bytes[at..], &mut fields).ok()?)?;
    Some(Unchunked {
        body,
        trailers: owned(trailers),
        used: at + length,
    })
}

fn whole<T>(status: httparse::Status<T>) -> Option<T> {
    match status {
        httparse::Status::Complete(found) => Some(found),
        httparse::Status::Partial => None,
    }
}

fn trim(value: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().take_while(|byte| is_space(byte)).count();
    let rest = &value[start..];
    let end = rest.iter().rev().take_while(|byte| is_space(byte)).count();
    rest[..rest.len() - end].to_vec()
}
