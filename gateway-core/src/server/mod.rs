//! The toolkit for those who write hosts: plain settings, error → status, panic → error, and the
//! host's side of [`Gateway`](crate::Gateway) and [`Environ`](crate::Environ).
//!
//! A host
//!
//! 1. refuses to start an application whose needs it cannot meet ([`check_requirements`]);
//! 2. is a [`Host`], and puts it into each connection's [`Endpoint`](crate::Endpoint);
//! 3. makes a [`Call`] and an [`Environ`](crate::Environ) for each request, and polls the
//!    application inside [`Caught`];
//! 4. gathers request bodies in an [`Upload`] before blocking code is called, so that slow clients hold no
//!    thread, and keeps in a [`Spool`] what is too much for memory;
//! 5. answers errors and panics with [`error_response`];
//! 6. sets [`Call::cancel`] when nobody waits any more, and calls [`Call::finish`] at the end.

mod ahead;
mod answer;
pub(crate) mod call;
mod caught;
mod host;
mod live_bodies;
mod pace;
mod settings;
#[cfg(unix)]
mod spool;
mod stage;
mod trouble;
#[cfg(unix)]
mod upload;
mod wait;

pub use ahead::{Ahead, Lead};
pub use answer::{drop_extensions, error_in, error_response, status_of};
pub use call::Call;
pub use caught::{Caught, Panic, catch};
pub use host::{Detached, Gathering, Host, Job, Place};
pub use live_bodies::LiveBodies;
pub use pace::Pace;
pub use settings::{Limits, MissingCapabilities, Timeouts, check_requirements};
#[cfg(unix)]
pub use spool::{Spool, SpoolError, SpoolFile};
pub use stage::Stage;
pub use trouble::Trouble;
#[cfg(unix)]
pub use upload::Upload;
pub use wait::{Parker, block_on};

pub use crate::request_head::RawHead;
