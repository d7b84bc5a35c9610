"""A family as an indented tree; a model that is reached twice is drawn once and marked."""

from collections import defaultdict
from collections.abc import Callable

from lineage.family import Edge, Family, Member, Paths
from lineage.formats.tables import more_paths
from lineage.formats.text import number, printable
from lineage.statistics import license_label
from registry.records import Evidence, State

#: Adds colour to a piece of text; the kinds are name, relation, faint and warning.
Paint = Callable[[str, str], str]

_EVIDENCE = {
    Evidence.CARD: "by its card only",
    Evidence.TAG_UNRESOLVED: "by a tag the Hub did not resolve",
    Evidence.CASE: "mended letter case",
    Evidence.RENAME: "followed a rename",
    Evidence.LEGACY: "followed a legacy id",
}
_STATE = {State.GONE: "gone", State.PLACEHOLDER: "not seen"}


def plain(text: str, kind: str) -> str:
    """No colour."""
    return text


def tree(family: Family, paint: Paint = plain) -> str:
    """The family from each root outwards, one model a line: how it was made, its licence and downloads."""
    members = {member.id: member for member in family.members}
    onward: dict[str, list[Edge]] = defaultdict(list)
    up = family.direction == "ancestors"
    for edge in family.edges:
        onward[edge.child if up else edge.parent].append(edge)
    lines: list[str] = []
    drawn: set[str] = set()
    roots = [member for member in family.members if member.depth == 0]
    for asked, root in zip(family.asked, roots, strict=True):
        if root.id not in drawn:
            _draw(root, asked, family, members, onward, drawn, lines, paint)
    return "\n".join(lines)


def path_lines(paths: Paths, paint: Paint = plain) -> str:
    """Each path as a line of models, from the model up to the ancestor."""
    lines = []
    for path in paths.paths:
        words = [paint(printable(path[0].child), "name")]
        for edge in path:
            words += [paint(f"─{_relation(edge)}→", "relation"), paint(printable(edge.parent), "name")]
        lines.append(" ".join(words))
    if not lines:
        lines = [f"{printable(paths.ancestor)} is not an ancestor of {printable(paths.model)}"]
    return "\n".join([*lines, *more_paths(paths)])


def _draw(
    root: Member,
    asked: str,
    family: Family,
    members: dict[str, Member],
    onward: dict[str, list[Edge]],
    drawn: set[str],
    lines: list[str],
    paint: Paint,
) -> None:
    """Draw one root's tree; a stack instead of recursion, since chains can be longer than Python's call stack."""
    up = family.direction == "ancestors"
    stack: list[tuple[str, str, Edge | int | None]] = [("", "", None)]
    while stack:
        indent, branch, item = stack.pop()
        if isinstance(item, int):
            lines.append(f"{indent}{branch}" + paint(f"… and {item:,} more", "faint"))
            continue
        there = root.id if item is None else item.parent if up else item.child
        again = there in drawn
        label = asked if item is None else there
        lines.append(f"{indent}{branch}" + _line(members[there], label, item, again, paint))
        if again:
            continue
        drawn.add(there)
        below = indent + ("" if item is None else "   " if branch == "└─ " else "│  ")
        items: list[Edge | int] = [*onward.get(there, ())]
        items += [family.hidden[there]] if there in family.hidden else []
        for position, onward_item in enumerate(reversed(items)):
            stack.append((below, "└─ " if position == 0 else "├─ ", onward_item))


def _line(member: Member, label: str, edge: Edge | None, again: bool, paint: Paint) -> str:
    parts = [paint(_relation(edge), "relation")] if edge else []
    parts.append(paint(printable(label), "name"))
    if again:
        return "  ".join([*parts, paint("↑ drawn above", "faint")])
    parts.append(paint(_facts(member), "faint"))
    marks = [_STATE[State(member.state)]] if member.state in _STATE else []
    marks += [_EVIDENCE[Evidence(edge.evidence)]] if edge and edge.evidence in _EVIDENCE else []
    return "  ".join(parts) + (paint(f"  [{', '.join(marks)}]", "warning") if marks else "")


def _relation(edge: Edge) -> str:
    return "made" if edge.relation == "unknown" else edge.relation


def _facts(member: Member) -> str:
    if member.state == State.PLACEHOLDER:
        return "licence not known"
    license = printable(license_label(member.licenses, member.license_name))
    license = {"none declared": "no licence declared", "not known": "licence not known"}.get(license, license)
    downloads = f" · {number(member.downloads)} downloads" if member.downloads is not None else ""
    return license + downloads
