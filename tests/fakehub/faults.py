"""What goes wrong between a crawler and the Hub, planned ahead: a fault waits for the next request that it is for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, TypedDict, Unpack
from urllib.parse import parse_qs

from tests.fakehub.limits import Style

Kind = Literal[
    "status",
    "too-many",
    "reset",
    "reset-inside",
    "stall",
    "truncated",
    "garbage",
    "html",
    "twice",
    "missing",
    "elsewhere",
    "redirect",
    "changed",
    "clock",
]


class When(TypedDict, total=False):
    """Which requests a fault is for."""

    times: int | None  # so many of them (default 1; None: all)
    skip: int  # after so many that pass (default 0)
    path: str  # whose path begins so (default "/api/models")
    deep: bool  # only pages of a listing behind the first


@dataclass
class Seen:
    """A request that came in, and what became of it."""

    method: str
    path: str
    query: str
    authorization: str | None
    user_agent: str | None = None
    status: int | None = None
    fault: str | None = None
    #: The fault itself.
    met: "Fault | None" = None

    @property
    def authorized(self) -> bool:
        """Whether it carried a token."""
        return self.authorization is not None

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The query, read."""
        return parse_qs(self.query, keep_blank_values=True)


@dataclass
class Fault:
    """One kind of failure and whom it strikes."""

    kind: Kind
    status: int = 503
    seconds: float = 0
    retry_after: str | None = None
    style: Style = "window"
    host: str = ""
    act: Callable[[], object] = lambda: None
    when: When = field(default_factory=When)
    left: int | None = 1
    skip: int = 0

    def __post_init__(self) -> None:
        self.left = self.when.get("times", 1)
        self.skip = self.when.get("skip", 0)

    def strikes(self, seen: Seen) -> bool:
        """Whether a request is one it is for."""
        deep = "cursor" in seen.parameters
        return seen.path.startswith(self.when.get("path", "/api/models")) and (deep or not self.when.get("deep", False))


class FaultPlan:
    """A queue of faults. A request meets the first one that is for it; a fault that has struck often enough leaves."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        #: Asked for a fault where none in the queue is for a request.
        self.chance: Callable[[Seen], Fault | None] = lambda seen: None
        self._lock = Lock()

    @property
    def pending(self) -> int:
        """How many faults still wait."""
        return len(self._queue)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._queue.clear()
            self.chance = lambda seen: None

    def add(self, fault: Fault) -> None:
        """Queue a fault."""
        with self._lock:
            self._queue.append(fault)

    def status(self, status: int = 503, *, retry_after: str | None = None, **when: Unpack[When]) -> None:
        """Answer 500, 502, 503, 504 or whatever is given; a burst with `times`."""
        self.add(Fault("status", status=status, retry_after=retry_after, when=when))

    def deep(self, status: int = 504, **when: Unpack[When]) -> None:
        """Time out on pages behind the first."""
        self.status(status, **(when | When(deep=True)))

    def too_many(self, style: Style = "window", *, seconds: int = 1, **when: Unpack[When]) -> None:
        """Answer 429, whatever the quota."""
        self.add(Fault("too-many", style=style, seconds=seconds, when=when))

    def reset(self, *, inside: bool = False, **when: Unpack[When]) -> None:
        """Reset the connection, before anything is answered or inside the body."""
        self.add(Fault("reset-inside" if inside else "reset", when=when))

    def stall(self, seconds: float, **when: Unpack[When]) -> None:
        """Say nothing for so long, then answer."""
        self.add(Fault("stall", seconds=seconds, when=when))

    def truncate(self, **when: Unpack[When]) -> None:
        """Answer in good order, with half of the JSON."""
        self.add(Fault("truncated", when=when))

    def garbage(self, **when: Unpack[When]) -> None:
        """Answer in good order what is no JSON."""
        self.add(Fault("garbage", when=when))

    def html(self, **when: Unpack[When]) -> None:
        """Answer an HTML page with status 200."""
        self.add(Fault("html", when=when))

    def twice(self, **when: Unpack[When]) -> None:
        """Let a page of a listing hold rows twice: some of its own, and some of the page before."""
        self.add(Fault("twice", when=when))

    def missing(self, **when: Unpack[When]) -> None:
        """Let every third row of a page be left out."""
        self.add(Fault("missing", when=when))

    def elsewhere(self, host: str = "https://elsewhere.example", **when: Unpack[When]) -> None:
        """Let the Link header name another host."""
        self.add(Fault("elsewhere", host=host, when=when))

    def redirect(self, host: str = "", **when: Unpack[When]) -> None:
        """Redirect to the same path on another host; without one to the very URL that was asked for."""
        self.add(Fault("redirect", host=host, when=when))

    def changed(self, act: Callable[[], object], **when: Unpack[When]) -> None:
        """Change the world before the answer is made."""
        self.add(Fault("changed", act=act, when=when))

    def clock(self, seconds: int, **when: Unpack[When]) -> None:
        """Let the Hub's clock be so far ahead (or behind): its date, and when a quota that is used up is whole."""
        self.add(Fault("clock", seconds=seconds, when=when))

    def meet(self, seen: Seen) -> Fault | None:
        """The fault that this request meets."""
        with self._lock:
            for fault in self._queue:
                if not fault.strikes(seen):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        self._queue.remove(fault)
                return fault
            return self.chance(seen)
