//! What goes wrong before there is a response.

use std::panic;

use gateway_core::{BoxApplication, Environ, Result, blocking, text};

use super::ON_PURPOSE;
use super::bombs::{Bomb, Once, Unspeakable, Unstable};

pub(super) fn panics_in_the_call() -> BoxApplication {
    BoxApplication::new(|_: Environ| -> std::future::Ready<Result> { panic!("{ON_PURPOSE}") })
}

pub(super) fn panics_after_a_wait() -> BoxApplication {
    BoxApplication::new(|_: Environ| async {
        Once::default().await;
        panic!("{ON_PURPOSE}")
    })
}

pub(super) fn panics_in_blocking_code() -> BoxApplication {
    BoxApplication::new(blocking(|_: Environ| panic!("{ON_PURPOSE}")))
}

pub(super) fn panics_in_unblocked_work() -> BoxApplication {
    BoxApplication::new(|environ: Environ| async move {
        environ.gateway().unblock(|| panic!("{ON_PURPOSE}")).await?;
        Ok(text("not reached"))
    })
}

pub(super) fn panics_with_what_panics() -> BoxApplication {
    BoxApplication::new(|_: Environ| -> std::future::Ready<Result> { panic::panic_any(Bomb) })
}

pub(super) fn panics_when_its_future_goes() -> BoxApplication {
    BoxApplication::new(|_: Environ| Unstable(Bomb))
}

pub(super) fn panics_when_its_environ_goes() -> BoxApplication {
    BoxApplication::new(|mut environ: Environ| async move {
        environ.extensions_mut().insert(Bomb);
        Ok(text("not sent"))
    })
}

pub(super) fn fails() -> BoxApplication {
    BoxApplication::new(|_: Environ| async { Err(ON_PURPOSE.into()) })
}

pub(super) fn fails_with_what_panics_when_shown() -> BoxApplication {
    BoxApplication::new(|_: Environ| async { Err(Unspeakable(None).into()) })
}

pub(super) fn fails_with_what_panics_when_dropped() -> BoxApplication {
    BoxApplication::new(|_: Environ| async { Err(Unspeakable(Some(Bomb)).into()) })
}
