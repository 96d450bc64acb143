//! An HTTP/2 client that sends the frames it is told to, sound or not.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{PATIENCE, Running};

pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const WINDOW_UPDATE: u8 = 0x8;
pub const CONTINUATION: u8 = 0x9;

/// Also ACK, of SETTINGS and PING.
pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

/// Error codes (RFC 9113 §7).
pub const NO_ERROR: u32 = 0x0;
pub const PROTOCOL_ERROR: u32 = 0x1;
pub const FLOW_CONTROL_ERROR: u32 = 0x3;
pub const REFUSED_STREAM: u32 = 0x7;
pub const CANCEL: u32 = 0x8;
pub const ENHANCE_YOUR_CALM: u32 = 0xb;

const INITIAL_WINDOW_SIZE: u16 = 0x4;

/// A frame, with everything but its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref().to_vec();
        Self {
            kind,
            flags,
            stream,
            payload,
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = (self.payload.len() as u32).to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// The error code of a RST_STREAM or a GOAWAY.
    pub fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// The last stream that a GOAWAY says may have been looked at.
    pub fn last_stream(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().unwrap())
    }

    /// The status in a HEADERS, the first of its fields.
    pub fn status(&self) -> u16 {
        let is_resize = |byte: &u8| byte & 0xe0 == 0x20;
        let resizes = self.payload.iter().take_while(|byte| is_resize(byte));
        match &self.payload[resizes.count()..] {
            [0x88, ..] => 200,
            [0x89, ..] => 204,
            [0x8c, ..] => 400,
            [0x8e, ..] => 500,
            // A literal whose name has index 8, in Huffman's code.
            [0x48, length, digits @ ..] if length & 0x80 != 0 => digits_of(digits),
            first => panic!("another status: {first:?}"),
        }
    }

    pub fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// Three digits in Huffman's code: 0 to 2 have five bits, 3 to 9 have six (RFC 7541, appendix B).
fn digits_of(code: &[u8]) -> u16 {
    let bits = u32::from_be_bytes([code[0], code[1], code[2], 0]);
    let mut at = 0;
    (0..3).fold(0, |number, _| {
        let short = (bits << at) >> 27;
        let (digit, length) = match short {
            0..=2 => (short, 5),
            _ => (((bits << at) >> 26) - 0x19 + 3, 6),
        };
        at += length;
        number * 10 + u16::try_from(digit).unwrap()
    })
}

/// A request without a body.
pub fn get(stream: u32, path: &str) -> Frame {
    let flags = END_STREAM | END_HEADERS;
    Frame::new(HEADERS, flags, stream, head("GET", path))
}

/// A request whose body follows.
pub fn post(stream: u32, path: &str) -> Frame {
    Frame::new(HEADERS, END_HEADERS, stream, head("POST", path))
}

/// A request head in HPACK, without compression.
pub fn head(method: &str, path: &str) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "test.example"),
    ];
    fields.map(|(name, value)| field(name, value)).concat()
}

/// A field in HPACK: a literal that is not indexed, with a name of its own (RFC 7541 §6.2.2).
pub fn field(name: &str, value: &str) -> Vec<u8> {
    field_of(name.as_bytes(), value.as_bytes())
}

/// The same, of any bytes.
pub fn field_of(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        length(text.len(), &mut bytes);
        bytes.extend(text);
    }
    bytes
}

/// An integer with a prefix of 7 bits (RFC 7541 §5.1).
fn length(mut length: usize, bytes: &mut Vec<u8>) {
    if length < 127 {
        return bytes.push(length as u8);
    }
    bytes.push(127);
    length -= 127;
    while length >= 128 {
        bytes.push((length % 128 + 128) as u8);
        length /= 128;
    }
    bytes.push(length as u8);
}

pub fn reset(stream: u32) -> Frame {
    Frame::new(RST_STREAM, 0, stream, CANCEL.to_be_bytes())
}

pub fn window_update(stream: u32, by: u32) -> Frame {
    Frame::new(WINDOW_UPDATE, 0, stream, by.to_be_bytes())
}

/// A SETTINGS that says how large the window of each new stream is.
pub fn windows_of(size: u32) -> Frame {
    let mut payload = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
    payload.extend(size.to_be_bytes());
    Frame::new(SETTINGS, 0, 0, payload)
}

/// A connection.
pub struct Wire {
    pub stream: TcpStream,
}

impl Wire {
    /// Connects, and sends the preface and these settings.
    pub fn connect(server: &Running, settings: &Frame) -> Self {
        Self::connect_to(server.addr, settings)
    }

    /// The same, to any address.
    pub fn connect_to(address: SocketAddr, settings: &Frame) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut wire = Self { stream };
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        wire.stream
            .write_all(&[preface, settings.bytes()].concat())
            .unwrap();
        wire
    }

    /// The same, with settings that say nothing.
    pub fn open(server: &Running) -> Self {
        Self::connect(server, &Frame::new(SETTINGS, 0, 0, []))
    }

    /// Sends frames in one write; false if the server has closed the connection.
    pub fn send(&mut self, frames: &[Frame]) -> bool {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        match self.stream.write_all(&bytes) {
            Ok(()) => true,
            Err(error) if is_end(error.kind()) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next frame; `None` at the end of the connection, however it ends.
    pub fn next(&mut self) -> Option<Frame> {
        let mut header = [0; 9];
        self.fill(&mut header)?;
        let [high, middle, low, kind, flags, stream @ ..] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.fill(&mut payload)?;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        match self.stream.read_exact(bytes) {
            Ok(()) => Some(()),
            Err(error) if is_end(error.kind()) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next frame of this kind; those before it are gone.
    pub fn until(&mut self, kind: u8) -> Frame {
        loop {
            match self.next() {
                Some(frame) if frame.kind == kind => return frame,
                Some(_) => {}
                None => panic!("the connection ended without a frame of kind {kind}"),
            }
        }
    }

    /// The next frame of this kind on this stream.
    pub fn until_on(&mut self, kind: u8, stream: u32) -> Frame {
        loop {
            let frame = self.until(kind);
            if frame.stream == stream {
                return frame;
            }
        }
    }

    /// The streams of the next so many answers, all of which are 200, in order of their numbers.
    pub fn answered(&mut self, count: usize) -> Vec<u32> {
        let answer = |_| {
            let head = self.until(HEADERS);
            assert_eq!(head.status(), 200);
            head.stream
        };
        let mut streams: Vec<u32> = (0..count).map(answer).collect();
        streams.sort_unstable();
        streams
    }

    /// Waits for the end of the connection; what the server still sends is gone.
    pub fn ends(&mut self) {
        while self.next().is_some() {}
    }

    /// How the server closes the connection: the code of its last GOAWAY, if there is one.
    pub fn closed_with(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next() {
            if frame.kind == GOAWAY {
                code = Some(frame.code());
            }
        }
        code
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}
