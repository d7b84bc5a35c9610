"""Registered models as rows and as text."""

from lineage.formats.rows import Cell, Table
from lineage.formats.tables import as_table
from lineage.formats.text import number, printable
from lineage.registered import Naming, Registered, VersionLine, VersionPage
from lineage.statistics import license_label
from registry.records import Relation

#: What each kind of evidence is called.
_ORIGINS = {"card": "its card", "file": "a file", "heuristic": "concluded", "stated": "stated"}


@as_table.register
def _(found: Registered) -> Table:
    # A column that says nothing of any version is left out.
    aliased, tagged = any(line.aliases for line in found.versions), any(line.tags for line in found.versions)
    removed = any(line.removed_at for line in found.versions)
    rows = [
        (
            line.id,
            ", ".join(line.aliases) if aliased else None,
            ", ".join(line.tags) if tagged else None,
            license_label(line.licenses, line.license_name),
            ", ".join(line.parents) or "none known",
            line.registered_at[:10],
            line.digest[:12],
            (line.removed_at or "")[:10] if removed else None,
        )
        for line in found.versions
    ]
    notes = () if rows else ("nothing is registered: see `lineage register --help`",)
    columns = ("model", "aliases", "tags", "license", "base_model", "registered", "digest", "removed")
    return Table(columns, rows, notes=notes)


@as_table.register
def _(page: VersionPage) -> Table:
    line = page.version
    rows: list[tuple[Cell, ...]] = [
        ("version", f"{line.name}@{line.number}"),
        ("asked by", line.id),
        ("digest", line.digest),
        ("from", line.place),
        ("registered", line.registered_at),
        ("license", license_label(line.licenses, line.license_name)),
        ("effective", page.effective),
        ("verdict", f"{page.verdict} ({page.grade})"),
    ]
    rows += [("removed", line.removed_at)] if line.removed_at else []
    rows += [("alias", alias) for alias in line.aliases]
    rows += [("tag", tag) for tag in line.tags]
    rows += [("base_model", parent) for parent in line.parents]
    rows += [("named by", _naming(one)) for one in page.named_by]
    rows += [("defect", f"{d.kind}: {d.field} {d.value!r}: {d.reason}") for d in page.defects]
    rows += [("file", f"{file.path}, {_size(file.size)}, sha256 {file.sha256[:12]}") for file in page.files]
    rows += [("other version", other) for other in page.others]
    for event in page.events:
        of = f"@{event.number} " if event.number is not None else ""
        why = f", because: {event.why}" if event.why else ""
        rows.append(("record", f"{event.at} {event.who}: {event.action} {of}{event.what}{why}"))
    return Table(("fact", "value"), rows)


def registered_words(page: VersionPage, *, new: bool) -> str:
    """What to say when somebody has registered a version."""
    line = page.version
    size = _size(sum(file.size for file in page.files))
    content = f"{number(len(page.files))} files, {size}, sha256" if page.files else "commit"
    known = "registered" if new else "registered already, the content is the same:"
    lines = [f"{known} {_called(line)} ({content} {line.digest[:12]})"]
    if line.id != f"{line.name}@{line.number}":
        lines.append(f"it is {line.id} of the Hub, and answers are about that as it is there")
    lines += [f"made from {parent}" for parent in line.parents] or ["made from nothing that is known"]
    lines += [f"  {_naming(one)}" for one in page.named_by]
    lines.append(f"license {license_label(line.licenses, line.license_name)}: {page.verdict} ({page.grade})")
    lines += [f"defect: {d.kind}: {d.field} {d.value!r}: {d.reason}" for d in page.defects]
    return "\n".join(map(printable, lines))


def _called(line: VersionLine) -> str:
    return f"{line.name}@{line.number}"


def _naming(one: Naming) -> str:
    at = f"@{one.revision}" if one.revision else ""
    why = f": {one.why}" if one.why else ""
    relation = "" if one.relation == Relation.UNKNOWN else f" ({one.relation})"
    return f"{one.name}{at}{relation}, {_ORIGINS[one.origin]}, {one.where}{why}"


def _size(size: int) -> str:
    """Bytes in decimal units, as disks and the Hub count them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return ""
