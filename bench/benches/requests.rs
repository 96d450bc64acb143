//! What takes more than one thread on gateway-sync: whole requests over a kept connection, one after the
//! other, and a seat that changes hands. `cargo bench -p gateway-bench --bench requests`.

#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use divan::Bencher;

use gateway_bench::kept::{HELLO, Kept};
use gateway_core::{Environ, Result, text};
use gateway_sync::measuring::OneSeat;

/// Long enough for the monitor to see it, and for the table to learn it.
const WAIT: Duration = Duration::from_millis(3);

fn main() {
    divan::main();
}

/// The call keeps its seat: the table says that it is short.
#[divan::bench]
fn keeps_its_seat(bencher: Bencher<'_, '_>) {
    measure(bencher, "/quick");
}

/// The call gives its seat away before it waits 3 ms, which are in the figure.
#[divan::bench]
fn gives_its_seat_away(bencher: Bencher<'_, '_>) {
    measure(bencher, "/slow");
}

/// A seat goes to a thread that waits for it, and comes back: two changes of hands, in each of which the
/// kernel wakes one thread and lays the other to sleep.
#[divan::bench]
fn seat_changes_hands_twice(bencher: Bencher<'_, '_>) {
    let seat = OneSeat::new().expect("the kernel has room for an epoll set");
    let me = seat.guest();
    assert!(me.take(), "nobody else has it yet");
    thread::scope(|scope| {
        scope.spawn(|| {
            let other = seat.guest();
            while other.take() && other.hand_over() {}
        });
        bencher.bench_local(|| me.hand_over() && me.take());
        seat.close();
    });
}

fn measure(bencher: Bencher<'_, '_>, path: &str) {
    let mut kept = Kept::start(application, 4, path);
    // The table learns.
    (0..20).for_each(|_| kept.ask());
    bencher.bench_local(|| kept.ask());
}

fn application(environ: Environ) -> Result {
    if environ.path_info() == "/slow" {
        thread::sleep(WAIT);
    }
    Ok(text(HELLO))
}
