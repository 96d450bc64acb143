//! The lines in the log of connections that are cut off while no request runs on them. A request that
//! is cut off has a line of its own ([`Progress::log_cut`]).
//!
//! [`Progress::log_cut`]: crate::progress::Progress::log_cut

use std::fmt;

use gateway_core::server::Stage;

use super::State;
use super::deadline::Waits;
use crate::cause::Cause;
use crate::progress::NONE_BEGUN;

/// A head is cut off before it is a request. `since` is when it began, `status` what is answered.
pub(super) fn log_head(state: &State, since: u64, why: Cause, status: Option<u16>) {
    let age = state.shared.clock.age(since);
    let (remote, stage) = (&state.endpoint.remote, Stage::ReadingHead);
    tracing::info!(%remote, request = NONE_BEGUN, %stage, ?age, %why, status, "cut off");
}

/// A connection is cut off on which no request runs; `error` is what h2 says of it.
pub(super) fn log_connection(
    state: &State,
    waits: &Waits,
    why: Cause,
    error: Option<&dyn fmt::Display>,
) {
    let (remote, stage) = (&state.endpoint.remote, waits.stage());
    let age = state.shared.clock.age(waits.since());
    let error = error.map(tracing::field::display);
    tracing::info!(%remote, request = NONE_BEGUN, %stage, ?age, %why, error, "cut off");
}

/// A connection is closed on which nothing was asked for too long.
pub(super) fn log_idle(state: &State, since: u64) {
    let (remote, age) = (&state.endpoint.remote, state.shared.clock.age(since));
    tracing::debug!(%remote, ?age, why = %Cause::Idle, "idle connection closed");
}
