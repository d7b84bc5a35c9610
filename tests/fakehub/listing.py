"""What the query of a request asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tests.fakehub.paging import BOTH_WAYS, LARGEST_PAGE, SORTS, Cursor, Query
from tests.fakehub.shapes import EXPAND, FULL, LIST, SINGLE_ONLY, Shape

Parameters = Sequence[tuple[str, str]]


class Refused(Exception):
    """A request that the Hub answers with an error."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Listing:
    """One page of a listing, as asked for."""

    query: Query
    limit: int
    after: Cursor | None
    shape: Shape


def read_listing(parameters: Parameters, *, allows_base_models: bool) -> Listing:
    """Read the parameters of /api/models; Refused (400) where one is not allowed. Unknown ones are ignored."""
    single = dict(parameters)
    sort = single.get("sort", "trendingScore")
    if sort not in SORTS:
        raise Refused(400, f'"sort" must be one of [{", ".join(SORTS)}]')
    direction = single.get("direction", "-1")
    if direction not in {"1", "-1"} or (direction == "1" and sort not in BOTH_WAYS):
        raise Refused(400, f'"direction" {direction} is not allowed with "sort" {sort}')
    query = Query(
        sort=sort,
        ascending=direction == "1",
        tags=tuple(value for name, value in parameters if name in {"filter", "filter[]"}),
        author=single.get("author"),
        search=single.get("search"),
        gated=_flag(single.get("gated")),
        pipeline_tag=single.get("pipeline_tag"),
    )
    try:
        after = Cursor.decode(single["cursor"], query) if "cursor" in single else None
    except ValueError as error:
        raise Refused(400, str(error)) from error
    shape = read_expand(parameters, allowed=set(EXPAND) - (set() if allows_base_models else SINGLE_ONLY))
    return Listing(query, _limit(single.get("limit")), after, shape or _whole(single))


def read_expand(parameters: Parameters, *, allowed: set[str]) -> Shape | None:
    """The shape that `expand` (in both spellings) asks for, or None where it does not ask."""
    asked = [value for name, value in parameters if name in {"expand", "expand[]"}]
    if not asked:
        return None
    if not allowed.issuperset(asked):
        raise Refused(400, f'"expand" must be one of [{", ".join(sorted(allowed))}]')
    return tuple(dict.fromkeys(["_id", "id", *asked]))


def next_url(base: str, parameters: Parameters, cursor: str) -> str:
    """The address of the next page: the same request with another cursor."""
    others = [(name, value) for name, value in parameters if name != "cursor"]
    return f"{base}/api/models?{urlencode([*others, ('cursor', cursor)], quote_via=quote, safe='')}"


def _whole(single: dict[str, str]) -> Shape:
    shape = FULL if _flag(single.get("full")) else LIST
    extra = [key for key, flag in (("cardData", "cardData"), ("config", "config")) if _flag(single.get(flag))]
    return (*shape, *extra)


def _limit(text: str | None) -> int:
    if text is None:
        return LARGEST_PAGE
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise Refused(400, '"limit" must be a positive number')
    return min(int(text), LARGEST_PAGE)


def _flag(text: str | None) -> bool | None:
    return None if text is None else text.lower() in {"1", "true"}
