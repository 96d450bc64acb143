//! Does one piece of work a number of times: `piece NAME TIMES`; without arguments, names all. What
//! `bench/instructions` runs under callgrind.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::process::ExitCode;

use gateway_bench::pieces::PIECES;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, times] = arguments.as_slice() else {
        PIECES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let piece = PIECES.iter().find(|(of, _)| of == name);
    let (Some((_, ready)), Ok(times)) = (piece, times.parse::<usize>()) else {
        eprintln!("usage: piece [NAME TIMES]; no such piece, or no number: {name} {times}");
        return ExitCode::FAILURE;
    };
    let mut work = ready();
    (0..times).for_each(|_| work());
    ExitCode::SUCCESS
}
