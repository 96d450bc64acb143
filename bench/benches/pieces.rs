//! Time and allocations of each piece of work: `cargo bench -p gateway-bench --bench pieces`.

#![forbid(unsafe_code)]

use divan::{AllocProfiler, Bencher};

use gateway_bench::pieces::PIECES;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = PIECES.map(|(name, _)| name))]
fn piece(bencher: Bencher<'_, '_>, name: &str) {
    let (_, ready) = PIECES
        .into_iter()
        .find(|(of, _)| *of == name)
        .expect("the names are those of the pieces");
    let mut work = ready();
    bencher.bench_local(&mut work);
}
