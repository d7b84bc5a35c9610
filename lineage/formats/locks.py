"""What has moved since a lock was written, as rows."""

from lineage.formats.rows import Table
from lineage.formats.tables import as_table
from lineage.formats.text import number
from lineage.lock import Moves


@as_table.register
def _(found: Moves) -> Table:
    rows = [(move.model, move.field, move.locked, move.now) for move in found.moves]
    days = [date[:10] if date else "an unknown date" for date in (found.locked_date, found.data_date)]
    title = f"{number(len(rows))} moved since {days[0]}, data of {days[1]}" if rows else ""
    notes = [] if rows else [f"nothing moved: {', '.join(found.asked)} as on {days[0]}, data of {days[1]}"]
    if found.unpinned:
        notes.append(f"of {number(found.unpinned)} models no commit is known: a change of their files is not seen")
    return Table(("model", "what", "locked", "now"), rows, title=title, notes=tuple(notes))
