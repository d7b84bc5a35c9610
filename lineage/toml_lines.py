"""On which line of a TOML text a value stands: tomllib gives values without their places."""

import re

#: The way to a value: tables, positions in arrays of tables, keys.
Location = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")
_TRIPLE = re.compile(r'"""|\'\'\'')


def line_of(text: str, location: Location) -> int:
    """The line (from 1) of the value at a location, else of the nearest that holds it.

    Good for text that tomllib can read. A value inside an inline table or list stands, for us, where that begins.
    """
    places: dict[Location, int] = {}
    counts: dict[Location, int] = {}
    table: Location = ()
    quote = None
    for number, line in enumerate(text.splitlines(), 1):
        if quote is None and (header := _HEADER.match(line)) and not _KEY.match(line):
            table = _entered(_parts(header[2]), header[1] == "[[", counts)
            places.setdefault(table, number)
        elif quote is None and (key := _KEY.match(line)):
            places.setdefault((*table, *_parts(key[1])), number)
        for mark in _TRIPLE.findall(line.partition("#")[0] if quote is None else line):
            quote = mark if quote is None else None if quote == mark else quote
    while location and location not in places:
        location = location[:-1]
    return places.get(location, 1)


def _parts(name: str) -> Location:
    return tuple(part.strip("\"'") for part in _PART.findall(name))


def _entered(name: Location, array: bool, counts: dict[Location, int]) -> Location:
    """The location of a table by its header; those of arrays are counted."""
    at: Location = ()
    for part in name[:-1]:
        at = (*at, part)
        at = (*at, counts[at]) if at in counts else at
    at = (*at, name[-1])
    if not array:
        return at
    counts[at] = counts.get(at, -1) + 1
    return (*at, counts[at])
