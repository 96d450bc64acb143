//! The distance service, gateway's reference application.

fn main() {}
