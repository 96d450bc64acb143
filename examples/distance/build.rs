//! Makes the city database from `data/`, once per build; the binary carries the result.
//!
//! In `OUT_DIR`: `cities.db`, an SQLite database (see [`SCHEMA`]), and `nearest.txt` with
//! `nearest.bin`, every key with the city it leads to, for finding names that were mistyped
//! (src/geocoder/nearest.rs).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    env,
    error::Error,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

#[path = "src/key.rs"]
mod key;
#[expect(dead_code, reason = "made here, compared in src/geocoder/nearest.rs")]
#[path = "src/letters.rs"]
mod letters;

use key::key;
use letters::Letters;

/// `city.rank` is the position by population, 1 the biggest, so ordering by it needs no other
/// column.
///
/// `name` holds every name of every city under its key. `place` is the order in which those who
/// share a key are preferred: cities that are called so first, then those that are also called so,
/// the bigger before the smaller. `weight` ranks completions: the population, or a tenth of it
/// under a name that is not the city's own.
const SCHEMA: &str = "
    PRAGMA page_size = 4096;
    PRAGMA journal_mode = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA synchronous = OFF;
    CREATE TABLE city (
        rank INTEGER PRIMARY KEY, id INTEGER NOT NULL, name TEXT NOT NULL, country TEXT NOT NULL,
        region TEXT NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL,
        population INTEGER NOT NULL, query TEXT NOT NULL);
    CREATE UNIQUE INDEX city_id ON city (id);
    CREATE TABLE name (
        key TEXT NOT NULL, place INTEGER NOT NULL, rank INTEGER NOT NULL, alias TEXT,
        weight INTEGER NOT NULL, PRIMARY KEY (key, place)) WITHOUT ROWID;
    CREATE TABLE country (
        code TEXT PRIMARY KEY, code3 TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL)
        WITHOUT ROWID;";

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    for input in [
        "build.rs",
        "src/key.rs",
        "src/letters.rs",
        "data/cities15000.tsv.gz",
        "data/countries.tsv",
    ] {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is set by cargo")?);

    let table = read_gzip("data/cities15000.tsv.gz")?;
    let cities = cities(&table)?;
    let names = names(&cities);
    write_database(&out.join("cities.db"), &cities, &names)?;
    let (keys, glances) = nearest(&names)?;
    fs::write(out.join("nearest.txt"), keys)?;
    fs::write(out.join("nearest.bin"), glances)?;
    Ok(())
}

/// A line of `cities15000.tsv`.
struct City<'a> {
    id: u32,
    name: &'a str,
    country: &'a str,
    region: &'a str,
    latitude: f64,
    longitude: f64,
    population: u32,
    aliases: Vec<&'a str>,
}

/// A city under one of its names; `alias` is that name as written, if it is not the city's own.
struct Named<'a> {
    rank: u32,
    alias: Option<&'a str>,
}

type Names<'a> = BTreeMap<String, Vec<Named<'a>>>;

/// Every city, the most populous first.
fn cities(table: &str) -> Result<Vec<City<'_>>> {
    let mut cities = table
        .lines()
        .skip(1)
        .map(city)
        .collect::<Result<Vec<_>>>()?;
    cities.sort_by_key(|city| (Reverse(city.population), city.id));
    Ok(cities)
}

fn city(line: &str) -> Result<City<'_>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let &[
        id,
        name,
        country,
        region,
        latitude,
        longitude,
        population,
        aliases,
    ] = fields.as_slice()
    else {
        return Err(format!("not eight columns: {line}").into());
    };
    Ok(City {
        id: id.parse()?,
        name,
        country,
        region,
        latitude: latitude.parse()?,
        longitude: longitude.parse()?,
        population: population.parse()?,
        aliases: aliases
            .split('|')
            .filter(|alias| !alias.is_empty())
            .collect(),
    })
}

/// Every name under its key, those who share one in the order they are preferred.
fn names<'a>(cities: &[City<'a>]) -> Names<'a> {
    let mut names = Names::new();
    for (rank, city) in (1..).zip(cities) {
        let mut seen = HashSet::new();
        let own = [(city.name, None)];
        for (name, alias) in own
            .into_iter()
            .chain(city.aliases.iter().map(|alias| (*alias, Some(*alias))))
        {
            let key = key(name);
            if !key.is_empty() && seen.insert(key.clone()) {
                names.entry(key).or_default().push(Named { rank, alias });
            }
        }
    }
    for sharing in names.values_mut() {
        sharing.sort_by_key(|named| (named.alias.is_some(), named.rank));
    }
    names
}

fn write_database(path: &Path, cities: &[City<'_>], names: &Names<'_>) -> Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut database = rusqlite::Connection::open(path)?;
    database.execute_batch(SCHEMA)?;
    let transaction = database.transaction()?;
    {
        let queries = queries(cities, names);
        let mut insert =
            transaction.prepare("INSERT INTO city VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        for ((rank, city), query) in (1_u32..).zip(cities).zip(queries) {
            insert.execute(rusqlite::params![
                rank,
                city.id,
                city.name,
                city.country,
                city.region,
                city.latitude,
                city.longitude,
                city.population,
                query
            ])?;
        }
        let mut insert = transaction.prepare("INSERT INTO name VALUES (?, ?, ?, ?, ?)")?;
        for (key, sharing) in names {
            for (place, named) in (0_u32..).zip(sharing) {
                let population = cities[named.rank as usize - 1].population;
                let weight = if named.alias.is_some() {
                    population / 10
                } else {
                    population
                };
                insert.execute((key, place, named.rank, named.alias, weight))?;
            }
        }
        let mut insert = transaction.prepare("INSERT INTO country VALUES (?, ?, ?, ?)")?;
        for line in fs::read_to_string("data/countries.tsv")?.lines().skip(1) {
            let (code, rest) = line.split_once('\t').ok_or("no country code")?;
            let (code3, name) = rest.split_once('\t').ok_or("no country name")?;
            insert.execute((code, code3, name, key(name)))?;
        }
    }
    transaction.commit()?;
    database.execute_batch("VACUUM;")?;
    Ok(())
}

/// What to ask for to get this very city: the shortest of `Paris`, `Paris,US`, `Paris,US,TX` that
/// leads to it, or `id:`.
fn queries(cities: &[City<'_>], names: &Names<'_>) -> Vec<String> {
    let keys: Vec<String> = cities.iter().map(|city| key(city.name)).collect();
    // The first city that a name with a country, or with a country and a region, leads to.
    let mut narrowed: HashMap<String, u32> = HashMap::new();
    for (key, sharing) in names {
        for named in sharing {
            let city = &cities[named.rank as usize - 1];
            narrowed.entry(key.clone()).or_insert(named.rank);
            narrowed
                .entry(format!("{key},{}", city.country))
                .or_insert(named.rank);
            narrowed
                .entry(format!("{key},{},{}", city.country, city.region))
                .or_insert(named.rank);
        }
    }
    let leads = |wanted: String, rank: u32| narrowed.get(&wanted) == Some(&rank);
    (1..)
        .zip(cities.iter().zip(&keys))
        .map(|(rank, (city, key))| {
            let City {
                id,
                name,
                country,
                region,
                ..
            } = city;
            match () {
                () if leads(key.clone(), rank) => (*name).to_owned(),
                () if leads(format!("{key},{country}"), rank) => format!("{name},{country}"),
                () if !region.is_empty() && leads(format!("{key},{country},{region}"), rank) => {
                    format!("{name},{country},{region}")
                }
                () => format!("id:{id}"),
            }
        })
        .collect()
}

/// All keys, that of the biggest city first, and what can be told of each at a glance.
fn nearest(names: &Names<'_>) -> Result<(String, Vec<u8>)> {
    let mut lines: Vec<(u32, &str)> = names
        .iter()
        .filter_map(|(key, sharing)| Some((sharing.first()?.rank, key.as_str())))
        .collect();
    lines.sort_unstable();
    let (mut keys, mut glances) = (String::new(), Vec::new());
    for (rank, key) in lines.into_iter().chain([(0, "")]) {
        glances.extend(Letters::of(key).0.to_le_bytes());
        glances.extend(rank.to_le_bytes());
        glances.extend(u32::try_from(keys.len())?.to_le_bytes());
        keys.push_str(key);
    }
    Ok((keys, glances))
}

fn read_gzip(path: &str) -> Result<String> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path)?).read_to_string(&mut text)?;
    Ok(text)
}
