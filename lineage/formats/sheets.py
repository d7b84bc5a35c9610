"""A neighbourhood as a picture to print or to put on a page: SVG, and PNG by Pillow."""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from math import log10
from typing import NamedTuple

from lineage.folding import Group, fold
from lineage.formats.markup import Markup, clipped, tag
from lineage.formats.palette import ABSENT, STROKES, TONES, Stroke, Tone, tone_of
from lineage.formats.text import number, printable
from lineage.neighbourhood import Neighbourhood
from lineage.tidy import Spot, spots
from registry.records import RegistryError

_ROW, _GAP, _SLOT, _EDGE, _HEAD, _FOOT = 26, 96, 30, 30, 74, 34
#: A picture is at least so wide, for its title and legend.
_NARROWEST = 760.0
#: Pixels of a PNG: as many as take 300 MB while it is drawn.
_MOST_PIXELS = 100_000_000
#: The middling width of a character, in parts of its size: of DejaVu Sans, the widest that browsers are likely to take.
_WIDE = 0.58
_INK, _SOFT, _GROUND, _CARD, _RIM = "#16181d", "#59616e", "#ffffff", "#ffffff", "#c9ced6"
_SANS = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'


class Text(NamedTuple):
    """Words that begin at a point, on whose height they are centred, or that are centred on it."""

    x: float
    y: float
    words: str
    size: int = 13
    colour: str = _INK
    bold: bool = False
    centred: bool = False


class Dot(NamedTuple):
    """A disc, filled or not."""

    x: float
    y: float
    radius: float
    colour: str
    filled: bool = True


class Pill(NamedTuple):
    """A box with round ends."""

    x: float
    y: float
    width: float


class Curve(NamedTuple):
    """An arrow as a cubic curve that begins and ends level: from the end of a name to the right, or, where it leads
    back, around the left of both."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: str
    dash: tuple[int, ...]

    @property
    def middle(self) -> tuple[float, float]:
        """Where the two points lie that bend it."""
        if self.x1 < self.x0 + 20:
            return self.x0 - 50, self.x1 - 50
        bend = max(40.0, (self.x1 - self.x0) / 2)
        return self.x0 + bend, self.x1 - 6 - bend


Shape = Text | Dot | Pill | Curve


class Sheet(NamedTuple):
    """A picture: its size, what is on it, and what it is of."""

    width: float
    height: float
    shapes: Sequence[Shape]
    title: str


def svg(found: Neighbourhood) -> Markup:
    """The picture as SVG, which holds neither script nor reference."""
    sheet = _sheet(found)
    return tag(
        "svg",
        tag("title", sheet.title),
        tag("rect", width="100%", height="100%", fill=_GROUND),
        *(element for shape in sheet.shapes for element in _elements(shape)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {sheet.width:.0f} {sheet.height:.0f}",
        width=f"{sheet.width:.0f}",
        height=f"{sheet.height:.0f}",
        role="img",
        font_family=_SANS,
    )


def _elements(shape: Shape) -> Iterator[str]:
    match shape:
        case Text(x, y, words, size, colour, bold, centred):
            yield tag(
                "text", words, x=f"{x:.1f}", y=f"{y + size * 0.36:.1f}", fill=colour, font_size=size,
                font_weight="600" if bold else None, text_anchor="middle" if centred else None,
            )  # fmt: skip
        case Dot(x, y, radius, colour, filled):
            fill, stroke = (colour, None) if filled else (_GROUND, colour)
            width = None if filled else 2
            yield tag(
                "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{radius:.1f}", fill=fill, stroke=stroke, stroke_width=width
            )
        case Pill(x, y, width):
            yield tag(
                "rect", x=f"{x:.1f}", y=f"{y - 11:.1f}", width=f"{width:.1f}", height=22, rx=11, fill=_CARD, stroke=_RIM
            )
        case Curve(x0, y0, x1, y1, colour, dash):
            first, second = shape.middle
            way = f"M{x0:.1f} {y0:.1f}C{first:.1f} {y0:.1f} {second:.1f} {y1:.1f} {x1 - 6:.1f} {y1:.1f}"
            dashes = " ".join(map(str, dash)) or None
            yield tag("path", d=way, fill="none", stroke=colour, stroke_width="1.5", stroke_dasharray=dashes)
            yield tag("path", d=f"M{x1:.1f} {y1:.1f}l-8 -4v8z", fill=colour)


def pillow(instead: str) -> None:
    """Raises RegistryError, which names the ending to write instead, where Pillow is not installed."""
    try:
        import PIL.Image  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise RegistryError(
            f"drawing PNG needs Pillow: pip install 'finetune-lineage[pictures]', or write .{instead}"
        ) from error


def png(found: Neighbourhood) -> bytes:
    """The picture as PNG, at twice the size if that is not too large.

    Raises RegistryError where Pillow is missing, or the picture is too large as it is.
    """
    pillow("svg")
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - an extra

    sheet = _sheet(found)
    area = sheet.width * sheet.height
    if area > _MOST_PIXELS:
        raise RegistryError(f"{area / 1e6:,.1f} million pixels are too many for PNG: write .svg, or use --limit")
    scale = 2 if 4 * area <= _MOST_PIXELS else 1
    image = Image.new("RGB", (round(sheet.width * scale), round(sheet.height * scale)), _GROUND)
    pen = ImageDraw.Draw(image)
    for shape in sheet.shapes:
        match shape:
            case Text(x, y, words, size, colour, bold, centred):
                font = ImageFont.load_default(size * scale)
                anchor = "mm" if centred else "lm"
                pen.text((x * scale, y * scale), words, colour, font, anchor=anchor, stroke_width=0.5 if bold else 0)
            case Dot(x, y, radius, colour, filled):
                pen.circle((x * scale, y * scale), radius * scale, colour if filled else _GROUND, colour, 2 * scale)
            case Pill(x, y, width):
                box = (x * scale, (y - 11) * scale, (x + width) * scale, (y + 11) * scale)
                pen.rounded_rectangle(box, 11 * scale, _CARD, _RIM, scale)
            case Curve(_, _, x1, y1, colour, _):
                for stretch in _dashes(shape):
                    pen.line([(x * scale, y * scale) for x, y in stretch], colour, 3, "curve")
                pen.polygon([(x * scale, y * scale) for x, y in ((x1, y1), (x1 - 8, y1 - 4), (x1 - 8, y1 + 4))], colour)
    written = BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def _dashes(curve: Curve, steps: int = 160) -> Iterator[list[tuple[float, float]]]:
    """The stretches of a curve that are drawn."""
    points = [_on(curve, step / steps) for step in range(steps + 1)]
    pattern = curve.dash or (1_000_000,)
    part, left, stretch = 0, float(pattern[0]), [points[0]]
    for before, point in pairwise(points):
        left -= ((point[0] - before[0]) ** 2 + (point[1] - before[1]) ** 2) ** 0.5
        if part % 2 == 0:
            stretch.append(point)
        if left <= 0:
            if part % 2 == 0:
                yield stretch
            part += 1
            left, stretch = float(pattern[part % len(pattern)]), [point]
    if part % 2 == 0 and len(stretch) > 1:
        yield stretch


def _on(curve: Curve, t: float) -> tuple[float, float]:
    """A point of the curve, 0 ≤ t ≤ 1."""
    x0, y0, x1, y1 = curve.x0, curve.y0, curve.x1 - 6, curve.y1
    a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
    return a * x0 + b * curve.middle[0] + c * curve.middle[1] + d * x1, (a + b) * y0 + (c + d) * y1


def _sheet(found: Neighbourhood) -> Sheet:
    folding = fold(found)
    drawn = spots(found, folding)
    names = [_name(found, spot) for spot in drawn]
    widths = [_width(name, spot) for name, spot in zip(names, drawn, strict=True)]
    columns: dict[int, float] = {}
    for spot, width in zip(drawn, widths, strict=True):
        columns[spot.column] = max(columns.get(spot.column, 0.0), width)
    left, x = float(_EDGE), {}
    for column in sorted(columns):
        x[column] = left
        left += columns[column] + _GAP
    top = min(spot.row for spot in drawn)
    y = [_HEAD + _ROW / 2 + (spot.row - top) * _ROW for spot in drawn]
    width = max(left - _GAP + _EDGE, _NARROWEST)
    legend = list(_legend(width - _EDGE, max(y) + _ROW / 2 + _FOOT))
    height = max(shape.y for shape in legend if isinstance(shape, Text)) + _ROW
    shapes: list[Shape] = []
    place = {spot.what: at for at, spot in enumerate(drawn) if isinstance(spot.what, int)}
    for parent, child, relation in _lines(found, drawn, place):
        start, end = x[drawn[parent].column], x[drawn[child].column]
        start += widths[parent] if start < end else -10
        shapes.append(_curve(start, y[parent], end, y[child], relation))
    for at, spot in enumerate(drawn):
        shapes += _drawn(found, spot, names[at], x[spot.column], y[at], widths[at])
    title = f"{clipped(printable(found.asked), 80)} and its relatives"
    folded = len(found.nodes) - len(folding.shown)
    left_out = found.total - len(found.nodes)
    facts = f"{number(found.total)} models, of which {number(folded)} are folded"
    facts += f" and {number(left_out)} left out by a limit" if left_out else ""
    facts += f" · data of {(found.data_date or 'an unknown date')[:10]}"
    shapes += [Text(_EDGE, 28, title, 18, bold=True), Text(_EDGE, 52, facts, 13, _SOFT), *legend]
    return Sheet(width, height, shapes, title)


def _name(found: Neighbourhood, spot: Spot) -> str:
    if isinstance(spot.what, Group):
        return f"+{number(spot.what.models)} {'related' if spot.what.relation == 'unknown' else spot.what.relation}"
    return clipped(printable(found.nodes[spot.what].id), 46)


def _width(name: str, spot: Spot) -> float:
    size = 14.5 if spot.what == 0 else 13  # the first is bold
    return len(name) * size * _WIDE + (22 if isinstance(spot.what, Group) else _SLOT)


def _lines(found: Neighbourhood, drawn: Sequence[Spot], place: dict[int, int]) -> Iterable[tuple[int, int, str]]:
    """Parent, child (spots) and relation of each edge that is drawn."""
    for at, spot in enumerate(drawn):
        if isinstance(spot.what, Group):
            yield (at, spot.via, spot.what.relation) if spot.what.side < 0 else (spot.via, at, spot.what.relation)
    number_of = {found.nodes[what].id: at for what, at in place.items()}
    for edge in found.edges:
        if edge.parent in number_of and edge.child in number_of:
            yield number_of[edge.parent], number_of[edge.child], edge.relation


def _curve(x0: float, y0: float, x1: float, y1: float, relation: str) -> Curve:
    look = STROKES[relation]
    return Curve(x0 + 6, y0, x1 - 4, y1, look.colour, look.dashes)


def _drawn(found: Neighbourhood, spot: Spot, name: str, x: float, y: float, width: float) -> list[Shape]:
    if isinstance(spot.what, Group):
        return [Pill(x, y, width), Text(x + 11, y, name, colour=_SOFT)]
    node = found.nodes[spot.what]
    tone = tone_of(node.said.grade, node.said.verdict)
    radius = 4 + min(8.0, 1.25 * log10(1 + (node.downloads or 0)))
    middle, first = x + _SLOT / 2 - 2, spot.what == 0
    shapes: list[Shape] = [Dot(middle, y, radius + 3, _INK, filled=False)] if first else []
    shapes.append(Dot(middle, y, radius, tone.colour, filled=tone is not ABSENT))
    if radius >= 6 and node.said.grade in {"review", "violation"}:
        shapes.append(
            Text(middle, y, "?" if node.said.grade == "review" else "x", 11, _GROUND, bold=True, centred=True)
        )
    return [*shapes, Text(x + _SLOT, y, name, bold=first)]


def _legend(right: float, y: float) -> Iterator[Shape]:
    """What colours mean, then what strokes mean, in as many lines as it takes."""
    lines: list[tuple[Sequence[Tone | Stroke], int]] = [((*TONES.values(), ABSENT), 18), ((*STROKES.values(),), 50)]
    for looks, sign in lines:
        x = float(_EDGE)
        for look in looks:
            wide = sign + len(look.legend) * 12 * _WIDE
            if x > _EDGE and x + wide > right:
                x, y = float(_EDGE), y + _ROW
            if isinstance(look, Tone):
                yield Dot(x + 6, y, 6, look.colour, filled=look is not ABSENT)
            else:
                yield _curve(x - 6, y, x + 44, y, look.name)
            yield Text(x + sign, y, look.legend, 12, _SOFT)
            x += wide + 24
        y += _ROW
