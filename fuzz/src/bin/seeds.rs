//! Writes what the fuzzer begins with: a folder for each target, a file for each request.

use std::path::Path;
use std::{env, error, fs};

use gateway_fuzz::{TARGETS, seeds};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = env::args_os().nth(1).ok_or("usage: seeds FOLDER")?;
    for target in TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds(&target)? {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
