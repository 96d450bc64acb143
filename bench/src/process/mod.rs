//! Servers as processes: started, watched in `/proc`, ended.

mod core;
mod listener;
mod parse;
mod running;
mod tree;

pub(crate) use core::{cores, on_core, raise_descriptors};
pub(crate) use listener::listening;
pub(crate) use running::Running;
pub(crate) use tree::{Tree, Usage, machine_time, own_time};
