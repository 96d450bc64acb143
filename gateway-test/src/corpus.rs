//! The corpus of HTTP/1.1 requests in `tests/requests`: what is sent, and what a server reads.
//!
//! Its `README.md` describes the format. A test takes the cases from [`load`], sends [`Case::bytes`] to
//! whatever reads HTTP, and compares with [`Case::requests`] and [`Case::outcome`].

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// One case: bytes, and the expected reading.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// Folder and file name without its ending, such as `valid/3.2.1-origin-form`.
    pub name: String,
    /// What the case shows.
    pub about: String,
    /// Where the rule stands, such as `RFC 9112 §3.2.1`.
    pub rfc: String,
    /// What the client sends.
    pub bytes: Vec<u8>,
    /// The requests that are read in full, in order.
    pub requests: Vec<ExpectedRequest>,
    /// How the connection stands after them.
    pub outcome: Outcome,
}

/// A request that is read in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedRequest {
    /// The method as sent.
    pub method: String,
    /// The request target as sent.
    pub target: String,
    /// `1.1` or `1.0`.
    pub version: String,
    /// The authority the request is for, by target or Host.
    pub host: Option<String>,
    /// Some of its fields, each with all its values in order; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Names of fields that must not be there.
    pub absent: Vec<String>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// All its trailers, in order; names in lower case.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the client waits for `100 Continue`.
    pub expects_continue: bool,
    /// Whether the client offers to change protocols.
    pub upgrade: bool,
}

/// How the connection stands after the requests of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Another request may follow.
    Open,
    /// Nothing more is read, as the client asked.
    Closed,
    /// What follows is refused, and the connection closed.
    Refused {
        /// The status that answers it.
        status: u16,
        /// The variant of `gateway_http1::Error`.
        error: String,
        /// Whether that shows only in the body, after a sound head.
        in_body: bool,
    },
    /// What follows is incomplete: the client closes inside a head, or inside a body.
    Truncated {
        /// Whether a sound head came first.
        in_body: bool,
    },
}

/// A case file that cannot be read.
#[derive(Debug)]
pub struct CorpusError {
    place: String,
    problem: String,
}

impl fmt::Display for CorpusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for CorpusError {}

/// Where the corpus is: it comes with this crate's sources, from a registry as from the repository.
pub fn folder() -> PathBuf {
    // In the repository a link to `tests/requests`; `cargo package` puts the files in its place.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("requests")
}

/// All cases of `folder/valid` and `folder/invalid`, by name.
///
/// # Errors
///
/// A folder or file cannot be read, or a file is no case; the error says which and where.
pub fn load(folder: &Path) -> Result<Vec<Case>, CorpusError> {
    let mut cases = Vec::new();
    for kind in ["valid", "invalid"] {
        let mut paths = list(&folder.join(kind))?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "case"));
        paths.sort();
        for path in paths {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{kind}/{stem}");
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let case = Case::parse(&name, &text)?;
            check_folder(kind, &case)?;
            cases.push(case);
        }
    }
    Ok(cases)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .map_err(|error| unreadable(folder, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> CorpusError {
    CorpusError {
        place: path.display().to_string(),
        problem: error.to_string(),
    }
}

fn check_folder(kind: &str, case: &Case) -> Result<(), CorpusError> {
    let valid = matches!(case.outcome, Outcome::Open | Outcome::Closed);
    if valid == (kind == "valid") {
        return Ok(());
    }
    Err(CorpusError {
        place: case.name.clone(),
        problem: "is in the wrong folder".into(),
    })
}

impl Case {
    /// Reads a case from the text of its file.
    ///
    /// # Errors
    ///
    /// The text is no case; the error names the line.
    pub fn parse(name: &str, text: &str) -> Result<Self, CorpusError> {
        let mut case = Self {
            name: name.into(),
            about: String::new(),
            rfc: String::new(),
            bytes: Vec::new(),
            requests: Vec::new(),
            outcome: Outcome::Open,
        };
        for (number, line) in text.lines().enumerate() {
            case.read_line(line).map_err(|problem| CorpusError {
                place: format!("{name}, line {}", number + 1),
                problem,
            })?;
        }
        if case.about.is_empty() || case.rfc.is_empty() || case.bytes.is_empty() {
            return Err(CorpusError {
                place: name.into(),
                problem: "about, rfc or sends is missing".into(),
            });
        }
        Ok(case)
    }

    fn read_line(&mut self, line: &str) -> Result<(), String> {
        if let Some(bytes) = line.strip_prefix('|') {
            self.bytes.extend(unescape(bytes)?);
            return Ok(());
        }
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (key, value) = line.split_once(':').ok_or("not `key: value`")?;
        let value = value.trim();
        match key {
            "about" => self.about = value.into(),
            "rfc" => self.rfc = value.into(),
            "sends" if value.is_empty() => {}
            "request" => self.requests.push(ExpectedRequest::parse(value)?),
            "then" => self.outcome = Outcome::parse(value)?,
            _ => {
                let request = self.requests.last_mut();
                request.ok_or("before any request")?.read(key, value)?;
            }
        }
        Ok(())
    }
}

impl ExpectedRequest {
    /// `GET /where HTTP/1.1`.
    fn parse(value: &str) -> Result<Self, String> {
        let words = value.split_once(' ').and_then(|(method, rest)| {
            let (target, version) = rest.rsplit_once(' ')?;
            Some((method, target, version))
        });
        let (method, target, version) = words.ok_or("not `method target HTTP/version`")?;
        let version = version.strip_prefix("HTTP/").ok_or("no HTTP version")?;
        Ok(Self {
            method: method.into(),
            target: String::from_utf8(unescape(target)?).map_err(|error| error.to_string())?,
            version: version.into(),
            ..Self::default()
        })
    }

    fn read(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "host" => self.host = Some(value.into()),
            "header" => self.headers.push(field(value)?),
            "absent" => self.absent.push(value.into()),
            "body" => self.body.extend(unescape(value)?),
            "trailer" => self.trailers.push(field(value)?),
            "expects" if value == "100-continue" => self.expects_continue = true,
            "offers" if value == "upgrade" => self.upgrade = true,
            _ => return Err(format!("unknown key or value: {key}: {value}")),
        }
        Ok(())
    }
}

impl Outcome {
    /// `open`, `closed`, `400 InvalidHost`, `400 InvalidChunkSize in body`, `ends in head`, `ends in body`.
    fn parse(value: &str) -> Result<Self, String> {
        match value.split(' ').collect::<Vec<_>>()[..] {
            ["open"] => Ok(Self::Open),
            ["closed"] => Ok(Self::Closed),
            ["ends", "in", "head"] => Ok(Self::Truncated { in_body: false }),
            ["ends", "in", "body"] => Ok(Self::Truncated { in_body: true }),
            [status, error] => Self::refused(status, error, false),
            [status, error, "in", "body"] => Self::refused(status, error, true),
            _ => Err(format!("unknown outcome: {value}")),
        }
    }

    fn refused(status: &str, error: &str, in_body: bool) -> Result<Self, String> {
        Ok(Self::Refused {
            status: status.parse().map_err(|_| "not a status")?,
            error: error.into(),
            in_body,
        })
    }
}

/// `name: value`, the value escaped.
fn field(value: &str) -> Result<(String, Vec<u8>), String> {
    let (name, value) = value.split_once(':').ok_or("not `name: value`")?;
    Ok((name.to_ascii_lowercase(), unescape(value.trim())?))
}

/// The bytes that `text` stands for: `\r`, `\n`, `\t`, `\\`, `\xHH`, and `\{42 text}` for 42 times the text.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        let kind = escape.chars().next().ok_or("ends in `\\`")?;
        rest = &escape[kind.len_utf8()..];
        match kind {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '\\' => bytes.push(b'\\'),
            'x' => {
                let digits = rest.get(..2).ok_or("`\\x` without two digits")?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|error| error.to_string())?);
                rest = &rest[2..];
            }
            '{' => {
                let (inner, after) = rest.split_once('}').ok_or("`\\{` without `}`")?;
                bytes.extend(repeat(inner)?);
                rest = after;
            }
            other => return Err(format!("unknown escape `\\{other}`")),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// `42 text`: 42 times the text.
fn repeat(inner: &str) -> Result<Vec<u8>, String> {
    let (count, text) = inner.split_once(' ').ok_or("`\\{` without a count")?;
    let count: usize = count.parse().map_err(|_| "`\\{` without a count")?;
    Ok(unescape(text)?.repeat(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_case() {
        let text = "# remark\nabout: two\nrfc: RFC 9112 §9.3.2\n\nsends:\n|GET / HTTP/1.1\\r\\n\n|\\x41\\{3 ab}\n\n\
                    request: POST /a HTTP/1.0\nhost: h\nbody: x\\r\\n\ntrailer: A: b\nthen: 400 InvalidHost in body\n";
        let case = Case::parse("valid/x", text).unwrap();
        assert_eq!(case.bytes, b"GET / HTTP/1.1\r\nAababab");
        let request = &case.requests[0];
        assert_eq!(
            (&*request.method, &*request.target, &*request.version),
            ("POST", "/a", "1.0")
        );
        assert_eq!(request.host.as_deref(), Some("h"));
        assert_eq!(request.body, b"x\r\n");
        assert_eq!(request.trailers, [("a".to_owned(), b"b".to_vec())]);
        let expected = Outcome::Refused {
            status: 400,
            error: "InvalidHost".into(),
            in_body: true,
        };
        assert_eq!(case.outcome, expected);
    }

    #[test]
    fn says_where_a_case_is_wrong() {
        for (text, problem) in [
            ("about: a\nnonsense", "x, line 2: not `key: value`"),
            ("body: a", "x, line 1: before any request"),
            ("|\\q", "x, line 1: unknown escape `\\q`"),
            ("|\\x4", "x, line 1: `\\x` without two digits"),
            ("about: a", "x: about, rfc or sends is missing"),
            (
                "request: GET /",
                "x, line 1: not `method target HTTP/version`",
            ),
            ("then: perhaps", "x, line 1: unknown outcome: perhaps"),
        ] {
            assert_eq!(Case::parse("x", text).unwrap_err().to_string(), problem);
        }
    }
}
