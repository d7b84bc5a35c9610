"""A map as a poster: one PNG to hang up or to put on a page."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lineage.formats.groups import Colouring, colourings
from lineage.formats.licenses import NO_ADVICE
from lineage.formats.markup import clipped
from lineage.formats.sheets import pillow
from lineage.formats.text import number, printable
from lineage.map import FamilyMap
from registry.columns import Ints

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

#: Width of the poster in pixels, and of what stands above and below the map. It is drawn twice as large, and reduced.
WIDTH, HEAD, FOOT, _FINER = 3000, 230, 200, 2
_GROUND, _INK, _SOFT, _DISC, _RIM, _EDGE = "#fbfbf9", "#16181d", "#5a6270", (31, 42, 68), "#dadce0", "#c3c7cf"
#: The share of the radius around it that a disc may have.
_FILLED = 0.98
#: Names on a poster, of how many for which room is looked for; a disc has its name if its radius is so many pixels.
_NAMES, _TRIED, _NAMED = 70, 2_000, 26


def poster(family: FamilyMap) -> bytes:
    """The map as a PNG of 3000 pixels width, coloured by relation."""
    pillow("html")
    from PIL import Image, ImageDraw  # noqa: PLC0415 - an extra

    size = WIDTH * _FINER
    large = Image.new("RGB", (size, size), _GROUND)
    view = _View(family, size)
    colours = colourings(family)[0]
    _draw_discs(ImageDraw.Draw(large, "RGBA"), family, view)
    _draw_models(ImageDraw.Draw(large), family, view, colours)
    whole = Image.new("RGB", (WIDTH, HEAD + WIDTH + FOOT), _GROUND)
    whole.paste(large.reduce(_FINER), (0, HEAD))
    draw = ImageDraw.Draw(whole)
    _name_discs(draw, family, view)
    _write_around(draw, family, colours)
    content = BytesIO()
    whole.save(content, "PNG", optimize=True)
    return content.getvalue()


class _View:
    """Where things stand in the large picture."""

    def __init__(self, family: FamilyMap, size: int) -> None:
        where = family.layout
        self.scale = 0.48 * size / where.extent
        half = size / 2
        self.x, self.y = where.x * self.scale + half, where.y * self.scale + half
        self.hub_x, self.hub_y = where.centre_x * self.scale + half, where.centre_y * self.scale + half
        self.hub_r = where.radius * self.scale


def _draw_discs(draw: "ImageDraw", family: FamilyMap, view: _View) -> None:
    """The disc of each branch that can be seen, and the way from each of the larger ones to its parent.

    One that all but fills the disc around it is left out: a long chain of models is a disc in a disc, 100,000 times.
    """
    hubs = family.layout.hubs
    seen = np.flatnonzero(view.hub_r > 6)
    columns = (hubs, family.up[hubs], view.hub_x, view.hub_y, view.hub_r)
    around: dict[int, float] = {}
    for hub, above, x, y, r in zip(*(column[seen].tolist() for column in columns), strict=True):
        outer = around.get(above, np.inf)
        if r <= _FILLED * outer:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=(*_DISC, 8), outline=_RIM, width=_FINER)
        around[hub] = r if r <= _FILLED * outer else outer
    joined = hubs[(view.hub_r > 40) & (family.up[hubs] >= 0)]
    for at, above in zip(joined.tolist(), family.up[joined].tolist(), strict=True):
        ends = (view.x[at], view.y[at], view.x[above], view.y[above])
        draw.line(tuple(map(float, ends)), fill=_EDGE, width=_FINER)


def _draw_models(draw: "ImageDraw", family: FamilyMap, view: _View, colours: Colouring) -> None:
    """A dot for each model; the more downloads, the larger."""
    radius = 0.38 + np.minimum(0.4, np.log10(1 + family.downloads) * 0.07)
    radius[family.layout.hubs] += 0.32
    dots = np.maximum(radius * view.scale, 1.6)
    palette = [colour for _, colour in colours.groups]
    columns = (view.x, view.y, dots, colours.of)
    for x, y, r, group in zip(*(column.tolist() for column in columns), strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[group])


def _name_discs(draw: "ImageDraw", family: FamilyMap, view: _View) -> None:
    """The names of the branches, the largest first, where there is room."""
    taken: list[tuple[float, float, float, float]] = []
    for hub, x, y, radius in islice(_nameable(family, view), _TRIED):
        font = _font(int(min(64, 16 + radius**0.5 * 1.3)))
        text = clipped(printable(family.ids[hub].rpartition("/")[2]), 40)
        box = draw.textbbox((x, y), text, font=font, anchor="mb", stroke_width=4)
        inside = box[0] > 0 and box[2] < WIDTH and box[1] > HEAD
        if inside and all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3] for b in taken):
            taken.append(box)
            draw.text((x, y), text, _INK, font=font, anchor="mb", stroke_width=4, stroke_fill=_GROUND)
        if len(taken) == _NAMES:
            return


def _nameable(family: FamilyMap, view: _View) -> Iterator[tuple[int, float, float, float]]:
    """The branches that are large enough for a name: place, where it stands on the poster, radius of the disc."""
    hubs, members = family.layout.hubs, family.members()
    order: Ints = np.lexsort((hubs, -members[hubs]))
    for number_ in order[view.hub_r[order] / _FINER >= _NAMED].tolist():
        hub = hubs.item(number_)
        above = view.y.item(hub) / _FINER + HEAD - 1.2 * view.scale / _FINER - 4
        yield hub, view.x.item(hub) / _FINER, above, view.hub_r.item(number_) / _FINER


def _write_around(draw: "ImageDraw", family: FamilyMap, colours: Colouring) -> None:
    """Title, counts and date above; legend and source below."""
    title = _fitting(draw, f"The family of {clipped(printable(', '.join(family.asked)), 80)}", 84)
    draw.text((80, 60), title, _INK, font=_font(84))
    day = family.data_date[:10] if family.data_date else "an unknown date"
    facts = f"{number(len(family.ids))} models and where each came from · data of {day}"
    draw.text((80, 168), facts, _SOFT, font=_font(40))
    counts = np.bincount(colours.of, minlength=len(colours.groups)).tolist()
    x, y = 80.0, HEAD + WIDTH + 30.0
    for (name, colour), count in zip(colours.groups, counts, strict=True):
        text = f"{name} {number(count)}"
        draw.ellipse((x, y + 6, x + 34, y + 40), fill=colour)
        draw.text((x + 50, y), text, _INK, font=_font(40))
        x += 50 + draw.textlength(text, font=_font(40)) + 60
    source = f"Metadata of the Hugging Face Hub, by finetune-lineage {version('finetune-lineage')}. {NO_ADVICE}"
    draw.text((80, y + 84), source, _SOFT, font=_font(32))


def _fitting(draw: "ImageDraw", text: str, size: int) -> str:
    """As much of a text as has room in a line."""
    longest: Sequence[int] = range(len(text), 0, -1)
    return next((s for n in longest if draw.textlength(s := clipped(text, n), font=_font(size)) < WIDTH - 160), "")


def _font(size: int) -> "FreeTypeFont | ImageFont":
    """The typeface that comes with Pillow."""
    from PIL import ImageFont  # noqa: PLC0415 - an extra

    return ImageFont.load_default(size)
