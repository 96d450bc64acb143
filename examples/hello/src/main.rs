//! Ten lines of application, one main per host.

fn main() {}
