"""Answers of any shape: whatever JSON a Hub says, and whatever headers come along, each command ends as it should."""

import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from unittest import mock
from urllib.parse import urlsplit

from registry.database import open_registry, reading
from registry.transfer import check
from tests.crawler.replies import Reply, server
from tests.families import api_row
from tests.lineage.calls import lineage
from torture.hurry import hurried
from torture.parts import Part, table

_FULL, _BRIEF = 5_000, 150
#: Seconds for a command, whose pauses pass at once.
_SLOWEST = 30
_SHA = "1" * 40
_DEEP = json.loads("[" * 200 + "]" * 200)
#: What a regular Hub says of its only model.
_MODEL = api_row("me/M", sha=_SHA, siblings=[{"rfilename": "LICENSE"}], baseModels=None, likes=1)
#: What nobody asked for: no model at all, or one of which a field is odd.
_JSON: tuple[object, ...] = (None, True, 5, 1e308, "x", [], {}, [1], [[]], _DEEP)
_FIELDS: dict[str, tuple[object, ...]] = {
    "id": ("../../x", "me/M\x1b[2J", "ME/m", "x" * 5_000),
    "error": ("\x1b]0;x\x07", ["a"], {"a": 1}, "x" * 20_000),
    "siblings": ("abc", {"rfilename": "LICENSE"}, [5, {"rfilename": 5}], [{"rfilename": "../LICENSE"}]),
    "sha": ("main", "../" * 9, _SHA.upper()),
    "createdAt": ("9999-12-31T23:59:59-23:59", "0001"),
    "lastModified": ("9999-12-31T23:59:59-23:59", "0001"),
    "cardData": ("[[", {"base_model": [[1]], "license": {"a": 1}}),
    "tags": ("a", ["base_model:", 5]),
    "baseModels": ({"models": 5}, {"models": [{"id": []}]}),
    "childrenModelCount": ({"finetune": "x"},),
    "gated": ("x" * 5_000,),
    "downloads": (2**70, -1),
}
_BODIES = (*_JSON, *(_MODEL | {name: odd} for name, some in _FIELDS.items() for odd in (*_JSON, *some)))
_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Link": '<5>; rel="next"', "X-Total-Count": "many", "Location": "::", "Date": "never"},
    {
        "Link": '<http://[::1>; rel="next"',
        "X-Total-Count": "-5",
        "RateLimit": '"api";r=-5;t=-9',
        "Location": "http://[",
    },
    {"Link": "<" * 9_000, "X-Total-Count": "9" * 30, "RateLimit": "r=1e9", "RateLimit-Policy": '"api";q=9;w=0'},
    {"X-Error-Code": "RepoNotFound", "RateLimit-Policy": "\xe9;q=" + "9" * 400, "Content-Type": "\xff"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "none-such", "Content-Length": "3"},
)
_STATUSES = (200, 200, 200, 204, 206, 304, 307, 401, 403, 404, 418, 451)
#: The commands that ask a Hub; DB and OUT are places.
_COMMANDS = (
    "crawl hub --db DB",
    "crawl update --db DB",
    "crawl reconcile --db DB",
    "crawl family me/M --db DB",
    "crawl family me/M --up --db DB",
    "crawl probe",
    "license me/M --fetch --db DB",
    "audit me/M --claim any --evidence --db DB",
    "notice me/M --fetch --db DB",
    "dossier me/M --evidence -o OUT --db DB",
    "watch me/M --db DB",
)


@dataclass
class _OddHub:
    """A Hub of one model, which gives one `reply` to all requests that are `about` something, if there is one."""

    about: str = "nothing"
    reply: Reply = (200, {}, b"")

    def __call__(self, path: str) -> Reply:
        place = urlsplit(path).path.removeprefix("/api/models").strip("/")
        kind = "files" if "/resolve/" in path else "models" if place else "lists"
        if self.about in (kind, "all"):
            return self.reply
        if kind == "files":
            return 200, {"X-Repo-Commit": _SHA}, b"Do what you like."
        return 200, {}, json.dumps(_MODEL if kind == "models" else [_MODEL]).encode()

    def draw(self, random: Random) -> None:
        """Be odd in another way."""
        self.about = random.choice(("all", "lists", "models", "files"))
        odd = random.choice(_BODIES)
        body = json.dumps(random.choice((odd, [odd], [_MODEL, odd]))).encode()
        self.reply = random.choice(_STATUSES), random.choice(_HEADERS), body


def answers(brief: bool) -> Part:
    """Commands that ask a Hub which answers some of it in a way that nobody asked for."""
    random, hub, statuses, wrong = Random(1), _OddHub(), Counter[tuple[str, int]](), list[str]()
    with _place(hub) as (folder, url, held):
        for number in range(_BRIEF if brief else _FULL):
            command, db = _COMMANDS[number % len(_COMMANDS)], folder / f"{number}.db"
            hub.draw(random)
            db.write_bytes(held)
            status, wrongs = _asked(command, db, url)
            statuses[command, status] += 1
            wrong += (f"{command}: {complaint}: {hub}"[:500] for complaint in wrongs)
            db.unlink()
    rows: list[tuple[object, ...]] = [
        (f"`{command}`", *(statuses[command, status] for status in range(4))) for command in _COMMANDS
    ]
    text = (
        f"{statuses.total():,} times a command asked a Hub that answered all requests, or all for lists, models or "
        f"files, with one of {3 * len(_BODIES):,} bodies that are JSON but hardly what was asked for, one of "
        f"{len(_HEADERS)} sets of headers, and one of {len(set(_STATUSES))} statuses. Each is to end by itself, with "
        "its answer or with one line, and to leave a registry in which `db check` finds nothing.\n\n"
        f"{table(('command', 'exit 0', '1', '2', '3'), rows)}"
    )
    return Part("Answers of any shape", text, tuple(wrong[:20]))


@contextmanager
def _place(hub: _OddHub) -> Iterator[tuple[Path, str, bytes]]:
    """A folder, the Hub's URL, and a registry that holds what the Hub says while it is not odd, as bytes."""
    with tempfile.TemporaryDirectory() as name, server(hub) as url, hurried():
        folder = Path(name)
        held = folder / "held.db"
        for command in _COMMANDS:
            status, _, said = _run(command, held, url)
            if status not in (0, 1):
                raise RuntimeError(f"{command}: undisturbed it ends with {status}: {said}")
        yield folder, url, held.read_bytes()


def _asked(command: str, db: Path, url: str) -> tuple[int, Sequence[str]]:
    """How the command ended, and what should not have been."""
    status, seconds, said = _run(command, db, url)
    return status, [*complaints(status, said, seconds), *_damage(db)]


def _run(command: str, db: Path, url: str) -> tuple[int, float, str]:
    """Run a command that has asked for no file yet: its exit status, its seconds, and what it said on stderr."""
    places = {"DB": str(db), "OUT": str(db.with_suffix(".html"))}
    words = [places.get(word, word) for word in command.split()]
    with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", {"LINEAGE_CACHE": cache}):
        began = time.monotonic()
        done = lineage(*words, "--endpoint", url)
        return done.exit_code, time.monotonic() - began, done.stderr


def complaints(status: int, said: str, seconds: float) -> Iterator[str]:
    """What is wrong with an exit status, what was said on stderr, and the seconds that it took."""
    last = said.strip().splitlines()[-1:] or ["no word"]
    if status not in range(4) or "Traceback" in said:
        yield f"ended with {status}: {last[0]}"
    if status == 2 and not re.fullmatch(r"lineage: [^\n]+", last[0]):
        yield f"refused without a line: {last[0]}"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said.replace("\r", "")):
        yield f"steers the terminal: {said!r}"
    if seconds > _SLOWEST:
        yield f"took {seconds:,.0f} s"


def _damage(db: Path) -> list[str]:
    engine = open_registry(str(db))
    with reading(engine) as connection:
        found = [problem for problem in check(connection) if "did not end" not in problem]
    engine.dispose()
    return found
