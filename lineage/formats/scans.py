"""A scan as rows, as text, and as a list that `lineage audit -r` reads."""

from lineage.formats.rows import Table
from lineage.formats.tables import as_table
from lineage.formats.text import number
from lineage.listing import Place, header, list_line
from lineage.scan import OF_SERVICE, Scan, Used

#: Files that were left out, of which so many are named.
_NAMED = 5


@as_table.register
def _(found: Scan) -> Table:
    rows = [
        (one.model or one.name, one.file, one.line, one.how, one.revision, one.state, one.license) for one in found.uses
    ]
    columns = ("model", "file", "line", "how", "revision", "state", "license")
    return Table(columns, rows, notes=(summary(found), *remarks(found)))


def model_list(found: Scan) -> str:
    """The models, each with a line for every place that names it, as lineage.listing describes."""
    lines = [list_line(one.model or one.name, _pin(one), Place(one.file, one.line)) for one in found.uses]
    return "\n".join([header(summary(found), _besides(found)), *lines])


def _pin(one: Used) -> str | None:
    """The revision; none where the registry's id has one already, as that of a registered version."""
    return None if one.model is not None and "@" in one.model else one.revision


def summary(found: Scan) -> str:
    """The scan in one line."""
    unknown = f", {number(found.unknown)} of them not in the registry" if found.unknown else ""
    services = len({one.name.casefold() for one in found.uses if one.state == OF_SERVICE})
    unknown += f" ({_many(services, 'looks', 'look')} like another service's)" if services else ""
    return f"{_many(found.models, 'model', 'models')} named{unknown}; {_many(found.files, 'file', 'files')} read"


def remarks(found: Scan) -> list[str]:
    """What a scan could not tell."""
    said = _unnamed(found)
    if found.left_out:
        some = ", ".join(f"{one.file} {one.why}" for one in found.left_out[:_NAMED])
        more = len(found.left_out) - _NAMED
        said.append(f"left out: {some}{f', and {number(more)} more: see -f json' if more > 0 else ''}")
    return said


def _besides(found: Scan) -> list[str]:
    """The same in numbers: names of files are somebody else's words."""
    left_out = len(found.left_out)
    return [*_unnamed(found), *([f"{_many(left_out, 'file was', 'files were')} left out"] if left_out else [])]


def _unnamed(found: Scan) -> list[str]:
    many = _many(found.unnamed, "call names its", "calls name their")
    return [f"{many} model by what only a run would tell"] if found.unnamed else []


def _many(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count == 1 else many}"
