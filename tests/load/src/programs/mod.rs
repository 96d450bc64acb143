//! The programs: each starts its processes, measures, and prints a table.

mod costs;
mod faults;
mod idle;
mod overload;
mod slow;
mod started;
mod swarms;

pub(crate) use faults::Faults;
pub(crate) use idle::Idle;
pub(crate) use overload::Overload;
pub(crate) use slow::Slow;
