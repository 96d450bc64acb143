//! HTTP/1.1 as seen by a server, on bytes.

mod authority;
mod chunked;
mod close;
mod connection;
mod encode;
mod encoder;
mod error;
mod exchange;
mod fields;
mod framing;
mod head;
mod limits;
mod lines;
mod receiver;
mod request_line;
mod response;
mod target;
mod token;
mod trailers;

pub use close::{CloseReason, Reading};
pub use encode::{CONTINUE, encode_head, encode_interim};
pub use encoder::{AfterResponse, Encoder};
pub use error::{EncodeError, Error, Fault};
pub use exchange::Exchange;
pub use framing::BodyFraming;
pub use head::RequestHead;
pub use limits::{Limits, Underscores};
pub use receiver::{Event, Received, Receiver};
pub use response::BodyLength;
pub use target::Target;
