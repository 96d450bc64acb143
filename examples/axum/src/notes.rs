//! `/notes`: a list in memory, and the handlers that show and change it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use http_body_util::LengthLimitError;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// How many notes may wait for a client that watches.
const WAITING: usize = 64;

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its number, from 1.
    pub id: u64,
    /// What it says.
    pub text: String,
}

/// A note that is to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewNote {
    /// What it says.
    pub text: String,
}

/// All notes. Clones are the same.
#[derive(Clone, Debug)]
pub struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    notes: BTreeMap<u64, Note>,
    last: u64,
    /// None once the notes are closed.
    added: Option<broadcast::Sender<Note>>,
}

impl Notes {
    /// No notes.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            notes: BTreeMap::new(),
            last: 0,
            added: Some(broadcast::Sender::new(WAITING)),
        })))
    }

    /// Ends the streams of those who watch, so that a host that stops need not wait for them.
    pub fn close(&self) {
        self.lock().added = None;
    }

    /// Notes that are written from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Note> {
        match &self.lock().added {
            Some(added) => added.subscribe(),
            None => broadcast::Sender::new(1).subscribe(), // of a sender that is gone: it ends at once
        }
    }

    fn insert(&self, text: String) -> Note {
        let mut inner = self.lock();
        inner.last += 1;
        let note = Note {
            id: inner.last,
            text,
        };
        inner.notes.insert(note.id, note.clone());
        if let Some(added) = &inner.added {
            let _ = added.send(note.clone()); // nobody watches: nobody is told
        }
        note
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Notes {
    fn default() -> Self {
        Self::new()
    }
}

/// What may stand in the query of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    /// Only notes that say this.
    containing: Option<String>,
    /// At most so many, the newest.
    limit: Option<usize>,
}

/// `GET /notes?containing=…&limit=…`
pub(crate) async fn list(
    State(notes): State<Notes>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Note>> {
    let containing = filter.containing.unwrap_or_default();
    let inner = notes.lock();
    let wanted = inner.notes.values().rev();
    let wanted = wanted.filter(|note| note.text.contains(&containing));
    Json(
        wanted
            .take(filter.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect(),
    )
}

/// `POST /notes` with `{"text": "…"}`
pub(crate) async fn add(
    State(notes): State<Notes>,
    new: Result<Json<NewNote>, JsonRejection>,
) -> Result<impl IntoResponse, (StatusCode, String)> {
    let Json(new) = new.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    let note = notes.insert(new.text);
    let location = [(header::LOCATION, format!("/notes/{}", note.id))];
    Ok((StatusCode::CREATED, location, Json(note)))
}

/// `GET /notes/1`
pub(crate) async fn show(
    State(notes): State<Notes>,
    Path(id): Path<u64>,
) -> Result<Json<Note>, StatusCode> {
    let note = notes.lock().notes.get(&id).cloned();
    note.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// `DELETE /notes/1`
pub(crate) async fn remove(State(notes): State<Notes>, Path(id): Path<u64>) -> StatusCode {
    match notes.lock().notes.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

/// What a body that cannot be read is answered with: 413 beyond the limit, else what gateway's error
/// names.
pub(crate) fn status_of(error: &axum::Error) -> StatusCode {
    let mut current: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = current {
        if error.is::<LengthLimitError>() {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        if let Some(error) = error.downcast_ref::<gateway_core::InputError>() {
            return error.status();
        }
        current = error.source();
    }
    StatusCode::BAD_REQUEST
}
