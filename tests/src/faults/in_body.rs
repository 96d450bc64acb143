//! What goes wrong in the body of a response, or never ends.

use std::io::{self, Write};
use std::thread;

use bytes::Bytes;
use gateway_core::{Body, BoxApplication, Environ, Response};
use gateway_test::Event;
use gateway_test::fixtures::{Kind, Script, Style};

use super::bombs::{Bomb, Polled, Unspeakable};

pub(super) fn body_panics_at_once() -> BoxApplication {
    body(Kind::Iter, &[], Script::panics)
}

pub(super) fn iterator_panics() -> BoxApplication {
    body(Kind::Iter, &["half"], Script::panics)
}

pub(super) fn stream_panics() -> BoxApplication {
    body(Kind::Stream, &["half"], Script::panics)
}

pub(super) fn iterator_fails() -> BoxApplication {
    body(Kind::Iter, &["half"], Script::fails)
}

pub(super) fn stream_fails() -> BoxApplication {
    body(Kind::Stream, &["half"], Script::fails)
}

pub(super) fn channel_fails() -> BoxApplication {
    body(Kind::Channel, &["half"], Script::fails)
}

pub(super) fn body_is_shorter_than_declared() -> BoxApplication {
    body(Kind::Iter, &["half"], |it| it.header("content-length", "9"))
}

pub(super) fn body_is_longer_than_declared() -> BoxApplication {
    body(Kind::Stream, &["half", "more"], |it| {
        it.header("content-length", "5")
    })
}

pub(super) fn sender_is_dropped_half_way() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        let (mut sender, body) = Body::channel(1);
        thread::spawn(move || sender.blocking_send("half"));
        Ok(Response::new(body))
    })
}

pub(super) fn file_is_shorter_than_said() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        let mut file = tempfile::tempfile()?;
        file.write_all(b"half")?;
        Ok(Response::new(Body::file(file, 0, 8)))
    })
}

pub(super) fn iterator_panics_when_it_goes() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        let bomb = Bomb;
        let chunks = ["whole"].into_iter().map(move |chunk| {
            let _holds = &bomb;
            Ok::<_, io::Error>(chunk)
        });
        Ok(Response::new(Body::iter(chunks)))
    })
}

pub(super) fn stream_panics_when_it_goes() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        let bomb = Bomb;
        let mut chunks = vec!["whole"];
        Ok(Response::new(Body::stream(Polled(move || {
            let _holds = &bomb;
            chunks.pop().map(|chunk| Ok(Bytes::from(chunk)))
        }))))
    })
}

pub(super) fn stream_fails_with_what_panics() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        Ok(Response::new(Body::stream(Polled(|| {
            Some(Err(Unspeakable(None).into()))
        }))))
    })
}

/// An application whose body never ends, and which tells when it is dropped.
pub fn endless(kind: Kind, dropped: Event) -> BoxApplication {
    BoxApplication::new(move |_: Environ| {
        let guard = SetOnDrop(dropped.clone());
        let chunk = move || {
            let _holds = &guard;
            Bytes::from_static(&[b'x'; 8192])
        };
        let body = match kind {
            Kind::Stream => Body::stream(Polled(move || Some(Ok(chunk())))),
            _ => Body::iter(std::iter::repeat_with(chunk).map(Ok::<_, io::Error>)),
        };
        async { Ok(Response::new(body)) }
    })
}

/// An application that sends one body, changed in one thing.
pub(super) fn body(
    kind: Kind,
    chunks: &[&'static str],
    change: impl FnOnce(Script) -> Script,
) -> BoxApplication {
    change(Script::new(kind, chunks.to_vec())).app(Style::Async)
}

struct SetOnDrop(Event);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}
