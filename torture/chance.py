"""Faults drawn at random, the same ones for a seed, as the fake Hub meets a crawl with them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import get_args

from tests.fakehub.faults import Fault, Kind, Seen
from tests.fakehub.limits import Style
from tests.fakehub.world import World
from torture.hurry import PATIENCE

#: What passes or ends in an error, and leaves the content of pages alone.
TROUBLE = (
    *(f"429, {style}" for style in get_args(Style)),
    "fails",
    "reset",
    "reset-inside",
    "stall",
    "truncated",
    "garbage",
    "html",
    "twice",
    "elsewhere",
    "redirect",
    "redirect elsewhere",
    "clock",
)
#: Kinds after which nothing that was asked is known. (Of an answer that is an error, half is as good as all of it.)
IN_VAIN = frozenset({"status", "too-many", "reset", "stall", "garbage", "html"})
#: Seconds: soon, with the next window, and longer than anybody should wait.
_WAITS = (1, 300, 100_000)
_SHIFTS = (-3 * 365 * 86_400, -86_400, 600, 86_400, 3 * 365 * 86_400)
_FAILS = (500, 502, 503, 504)
_AGAIN = (None, "0", "5", "Wed, 21 Oct 2026 07:28:00 GMT")
#: Kinds that only a page of a listing can have.
_OF_PAGES = ("elsewhere", "twice", "missing")
#: How the fake Hub calls those that need nothing more to be said.
_KINDS: tuple[Kind, ...] = get_args(Kind)
_SIMPLE: dict[str, Kind] = {"429": "too-many", "fails": "status", "redirect elsewhere": "redirect"}
_SIMPLE |= {kind: kind for kind in _KINDS}
_DESCRIBED = {
    "reset": "connection reset before the answer",
    "reset-inside": "connection reset inside the body",
    "stall": "silence beyond the client's timeout",
    "truncated": "truncated JSON",
    "garbage": "no JSON, status 200",
    "html": "HTML, status 200",
    "twice": "rows twice on a page and across pages",
    "missing": "rows missing from a page",
    "changed": "models changed between pages",
    "elsewhere": "`Link` to another host",
    "clock": "clock of the Hub behind or ahead",
}


class Chance:
    """Meets a request with a fault of some of these kinds, by `odds`, until `most` are drawn."""

    def __init__(self, seed: int, kinds: Sequence[str], stranger: str, *, most: int, odds: float = 0.5) -> None:
        """`stranger` is the URL of another host."""
        self._random = Random(seed)
        self._kinds = kinds
        self._stranger = stranger
        self._odds = odds
        self._left = most
        self._deck: list[str] = []
        #: More of what struck last.
        self._rest: list[Fault] = []
        #: What becomes of the world when models are to change, a change at a time.
        self.acts: list[Callable[[], object]] = []

    def __call__(self, seen: Seen) -> Fault | None:
        """The fault for a request, or none."""
        if not self._rest and self._left > 0 and self._random.random() < self._odds:
            self._rest = self._drawn(self._kind(is_page=seen.path == "/api/models"))
            self._left -= len(self._rest)
        return self._rest.pop() if self._rest else None

    def _kind(self, *, is_page: bool) -> str:
        """The next of the kinds, in an order by chance; each as often as the others."""
        fits = [kind for kind in self._deck if is_page or kind not in _OF_PAGES]
        if not fits:
            self._deck += self._random.sample(self._kinds, len(self._kinds))
            return self._kind(is_page=is_page)
        self._deck.remove(fits[0])
        return fits[0]

    def _drawn(self, kind: str) -> list[Fault]:
        """A fault of a kind, or several of it that come one after the other."""
        rolls, name = self._random, kind.partition(",")[0]
        times, fault = 1, Fault(_SIMPLE[name])
        match name:
            case "429":
                fault.style = next(style for style in get_args(Style) if kind.endswith(style))
                fault.seconds = rolls.choice(_WAITS)
            case "fails":
                fault.status, fault.retry_after = rolls.choice(_FAILS), rolls.choice(_AGAIN)
                times = rolls.randint(1, 7)
            case "redirect":
                times = rolls.randint(1, 6)
            case "elsewhere" | "redirect elsewhere":
                fault.host = self._stranger
            case "stall":
                fault.seconds = 4 * PATIENCE
            case "changed":
                fault.act = self.acts.pop()
            case "clock":
                fault.seconds = rolls.choice(_SHIFTS)
        return [fault] * times


def changes(seed: int, world: World, *, all_kinds: bool) -> list[Callable[[], object]]:
    """Changes of models that a world holds by now, each of another one: edits and new models; with `all_kinds` also
    deletions, renames, and models that are hidden."""
    chance = Random(seed)
    names = world.ids()
    chance.shuffle(names)

    def edit(name: str, parent: str) -> None:
        world.edit(name, cardData={"license": "mit", "base_model": parent})

    def insert(name: str, parent: str) -> None:
        world.insert({"id": f"{name}-new", "cardData": {"license": "mit", "base_model": parent}})

    kinds: list[Callable[[str, str], object]] = [edit, insert]
    if all_kinds:
        kinds += [
            lambda name, _: world.delete(name),
            lambda name, _: world.rename(name, f"{name}-now"),
            lambda name, _: world.set_private(name),
        ]
    pairs = zip(names[::2], names[1::2], strict=False)
    return [_bound(chance.choice(kinds), *pair) for pair in pairs]


def _bound(change: Callable[[str, str], object], name: str, parent: str) -> Callable[[], object]:
    return lambda: change(name, parent)


def kinds_met(requests: Iterable[Seen]) -> Counter[str]:
    """How many requests met which fault, in the words of the report."""
    return Counter(_described(seen.met) for seen in requests if seen.met is not None)


def _described(fault: Fault) -> str:
    if fault.kind == "too-many":
        return f"429, header style {fault.style}"
    if fault.kind == "redirect":
        return "redirect to another host" if fault.host else "redirect to itself"
    return f"{fault.status}, one or a burst" if fault.kind == "status" else _DESCRIBED[fault.kind]
