"""A family as an indented tree; a model that is reached twice is drawn once and marked."""

from collections import defaultdict
from collections.abc import Callable
from functools import singledispatch

from lineage.family import Edge, Family, Member, Paths
from lineage.formats.tables import more_paths
from lineage.formats.text import number, printable
from lineage.statistics import license_label
from registry.records import HUB_EVIDENCE, Evidence, Relation, State

#: Adds colour to a piece of text; the kinds are name, relation, faint and warning.
Paint = Callable[[str, str], str]

#: What an edge rests on, in words; a tree tells what is not the Hub's own word.
EVIDENCE = {
    Evidence.TAG: "by a tag of the Hub",
    Evidence.BOTH: "by a tag of the Hub and its card",
    Evidence.CARD: "by its card only",
    Evidence.FILE: "by a file of the model",
    Evidence.HEURISTIC: "concluded, not stated",
    Evidence.STATED: "as stated when it was registered",
    Evidence.TAG_UNRESOLVED: "by a tag the Hub did not resolve",
    Evidence.CASE: "mended letter case",
    Evidence.RENAME: "followed a rename",
    Evidence.LEGACY: "followed a legacy id",
}
#: Levels that are drawn as steps to the right: a text of ten thousand has a hundred million blanks.
_DEEPEST = 60
STATE = {State.GONE: "gone", State.PLACEHOLDER: "not seen"}


def plain(text: str, kind: str) -> str:
    """No colour."""
    return text


@singledispatch
def tree(result: object, paint: Paint = plain) -> str:
    """A family as a tree, paths as staircases; `paint` adds colour."""
    raise TypeError(f"a {type(result).__name__} has no tree")


@tree.register
def _(family: Family, paint: Paint = plain) -> str:
    """The family from each root outwards, one model a line: how it was made, its licence and downloads."""
    drawing = _Drawing(family, paint)
    for root in family.members:
        if root.depth == 0 and root.id not in drawing.drawn:
            drawing.draw(root)
    return "\n".join(drawing.lines)


@tree.register
def _(paths: Paths, paint: Paint = plain) -> str:
    """Each path as a staircase of models, from the model up to the ancestor."""
    blocks = []
    for path in paths.paths:
        lines = [paint(printable(paths.model), "name")]
        for depth, edge in enumerate(path):
            words = [paint(relation_words(edge, up=True), "relation"), paint(printable(edge.parent), "name")]
            indent = _indent("   " * min(depth, _DEEPEST), depth)
            lines.append(f"{indent}└─ {'  '.join([*words, *_marked(_marks(None, edge), paint)])}")
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, *more_paths(paths)])


class _Drawing:
    """The lines of a tree so far, and the models that are on them."""

    def __init__(self, family: Family, paint: Paint) -> None:
        self.up = family.direction == "ancestors"
        self.hidden = family.hidden
        #: As the roots were asked for: with their revisions.
        self.labels = {label.partition("@")[0]: label for label in family.roots}
        self.members = {member.id: member for member in family.members}
        self.onward: dict[str, list[Edge]] = defaultdict(list)
        for edge in family.edges:
            self.onward[edge.child if self.up else edge.parent].append(edge)
        self.paint = paint
        self.drawn: set[str] = set()
        self.lines: list[str] = []

    def draw(self, root: Member) -> None:
        """Draw one root's tree; a stack instead of recursion, since chains can be longer than Python's call stack."""
        self.lines.append(self._line(root, None))
        stack = self._below(root.id, "", 0)
        while stack:
            indent, level, last, item = stack.pop()
            branch = indent + ("└─ " if last else "├─ ")
            if isinstance(item, int):
                self.lines.append(branch + self.paint(f"… and {item:,} more", "faint"))
                continue
            there = item.parent if self.up else item.child
            if there in self.drawn:
                self.lines.append(branch + self._line(self.members[there], item, again=True))
                continue
            self.lines.append(branch + self._line(self.members[there], item))
            stack += self._below(there, _indent(indent + ("   " if last else "│  "), level + 1), level + 1)

    def _below(self, there: str, indent: str, level: int) -> list[tuple[str, int, bool, Edge | int]]:
        """What stands below a model, the last first: as a stack wants it."""
        self.drawn.add(there)
        items: list[Edge | int] = [*self.onward.get(there, ())]
        items += [self.hidden[there]] if there in self.hidden else []
        return [(indent, level, position == 0, item) for position, item in enumerate(reversed(items))]

    def _line(self, member: Member, edge: Edge | None, *, again: bool = False) -> str:
        parts = [self.paint(relation_words(edge, up=self.up), "relation")] if edge else []
        parts.append(self.paint(printable(self.labels.get(member.id, member.id)), "name"))
        parts.append(self.paint("↑ drawn above" if again else _facts(member), "faint"))
        return "  ".join([*parts, *_marked(_marks(None if again else member, edge), self.paint)])


def _indent(drawn: str, level: int) -> str:
    """What a line begins with; so far down that nobody can see how far, the number of levels."""
    return drawn if level <= _DEEPEST else f"{level:,}: "


def _marks(member: Member | None, edge: Edge | None) -> list[str]:
    """What a reader should know before trusting a line."""
    marks = [STATE[State(member.state)]] if member and member.state in STATE else []
    return marks + ([EVIDENCE[Evidence(edge.evidence)]] if edge and edge.evidence not in HUB_EVIDENCE else [])


def _marked(marks: list[str], paint: Paint) -> list[str]:
    return [paint(f"[{', '.join(marks)}]", "warning")] if marks else []


def relation_words(edge: Edge, *, up: bool) -> str:
    """How a model was made, or (`up`) what it is of the other."""
    relation = "derived" if edge.relation == Relation.UNKNOWN else edge.relation
    if not up:
        return relation
    return {"derived": "derived from", "quantized": "quantized from"}.get(relation, f"{relation} of")


def _facts(member: Member) -> str:
    if member.state == State.PLACEHOLDER:
        return "licence not known"
    license = printable(license_label(member.licenses, member.license_name))
    license = {"none declared": "no licence declared", "not known": "licence not known"}.get(license, license)
    downloads = f" · {number(member.downloads)} downloads" if member.downloads is not None else ""
    return license + downloads
