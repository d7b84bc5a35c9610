"""A map as one HTML page: it opens without a network, and draws some hundred thousand models without a GPU.

The models travel as compressed columns, and the page's own script draws them into an image. A plain page like that
drew 137,000 points in 1.9 s under a software GL on two cores, and 0.3 to 0.5 s a zoom step; WebGL points by Bokeh took
6.8 s and 2.4 to 7 s, by Plotly 13.8 s and 5.6 to 7 s. What comes from the Hub is JSON inside those columns, and text
on the page.
"""

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineage.formats.groups import colourings
from lineage.formats.licenses import NO_ADVICE
from lineage.formats.markup import Markup, clipped, tag
from lineage.formats.pages import own, page
from lineage.formats.text import number, printable
from lineage.map import FamilyMap
from registry.bulk import RELATIONS


def map_page(family: FamilyMap) -> str:
    """The map as a page of its own."""
    style, script = own("map.css"), Markup(own("map_draw.js") + own("map.js"))
    title = f"The family of {clipped(', '.join(family.asked), 80)}"
    day = family.data_date[:10] if family.data_date else "an unknown date"
    facts = f"{number(len(family.ids))} models and where each came from · data of {day}"
    source = f"Source: metadata of the Hugging Face Hub, by finetune-lineage {version('finetune-lineage')}. {NO_ADVICE}"
    return page(
        title,
        style,
        script,
        tag("header", tag("h1", title), tag("p", facts)),
        own("map.html"),
        tag("footer", source),
        tag("script", Markup(packed(family)), id="data", type="application/octet-stream"),
    )


def packed(family: FamilyMap) -> str:
    """All that a map says, as text: base64 of gzip of the length of a JSON object, that object, and columns of numbers,
    each beginning at a multiple of eight bytes; `columns` says where: name, type, place in bytes, length."""
    colours = colourings(family)
    columns = _columns(family) | {f"of{at}": colouring.of.astype("<u2") for at, colouring in enumerate(colours)}
    known = family.day[family.day > 0]
    facts: dict[str, Any] = {
        "ids": family.ids,
        "others": family.others,
        "sayings": [[printable(text or "") for text in said] for said in family.sayings],
        "relations": [*RELATIONS, "a root"],
        "modes": [
            {"name": c.name, "groups": [(printable(name), colour) for name, colour in c.groups], "column": f"of{at}"}
            for at, c in enumerate(colours)
        ],
        "extent": family.layout.extent,
        "first": int(known.min()) if len(known) else 0,
        "last": int(known.max()) if len(known) else 0,
    }
    # The same input gives the same bytes: no time in the header of gzip.
    return b64encode(gzip.compress(_joined(facts, columns), 6, mtime=0)).decode("ascii")


def _columns(family: FamilyMap) -> dict[str, NDArray[Any]]:
    """The columns by name, each in a type that the page reads as it is."""
    where = family.layout
    return {
        "x": where.x.astype("<f4"),
        "y": where.y.astype("<f4"),
        "cx": where.centre_x.astype("<f4"),
        "cy": where.centre_y.astype("<f4"),
        "cr": where.radius.astype("<f4"),
        "hubs": where.hubs.astype("<u4"),
        "up": family.up.astype("<i4"),
        "downloads": family.downloads.clip(0, 2**32 - 1).astype("<u4"),
        "about": family.about.astype("<i4"),
        "mergeChild": family.merges[0].astype("<u4"),
        "mergeParent": family.merges[1].astype("<u4"),
        "day": family.day.clip(0, 2**16 - 1).astype("<u2"),
        "said": family.said.astype("<u4"),
        "relation": np.where(family.relation < 0, len(RELATIONS), family.relation).astype("u1"),
    }


def _joined(facts: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> bytes:
    """The JSON object and the columns, one after the other."""
    places: list[tuple[str, str, int, int]] = []
    room = len(json.dumps(facts)) + 64 * len(columns) + 64
    at = start = -(-room // 8) * 8
    for name, column in columns.items():
        places.append((name, column.dtype.str[1:], at, len(column)))
        at += -(-column.nbytes // 8) * 8
    head = json.dumps({**facts, "columns": places}).encode()
    whole = bytearray(at)
    whole[0:4] = len(head).to_bytes(4, "little")
    whole[4 : 4 + len(head)] = head
    assert 4 + len(head) <= start  # noqa: S101
    for (_, _, begin, _), column in zip(places, columns.values(), strict=True):
        whole[begin : begin + column.nbytes] = column.tobytes()
    return bytes(whole)
