//! `/notes/events`: each new note as it is written.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::error::RecvError;

use crate::Notes;

/// Server-sent events: one `note` for each that is written from now on, until the client leaves or the
/// notes are [closed](Notes::close). A client that falls far behind misses some.
pub async fn events(
    State(notes): State<Notes>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let added = notes.watch();
    let events = stream::unfold(added, |mut added| async move {
        loop {
            match added.recv().await {
                Ok(note) => {
                    let event = Event::default().event("note").id(note.id.to_string());
                    return Some((Ok(event.data(note.text)), added));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    // The comment at the start tells the client that it is being told.
    let begun = stream::once(async { Ok(Event::default().comment("watching")) });
    Sse::new(stream::StreamExt::chain(begun, events)).keep_alive(KeepAlive::default())
}
