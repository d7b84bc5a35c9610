"""Discs put side by side without overlap, the first in the middle, and the smallest circle around them.

The first hundreds by the front chain of Wang et al. (https://doi.org/10.1145/1124772.1124851) and the move-to-front way
to the smallest circle around circles, both as in d3-hierarchy (https://d3js.org/d3-hierarchy/pack).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import asin, cos, hypot, inf, pi, sin, sqrt

#: The centre of a disc, and its radius.
Disc = tuple[float, float, float]

_SLACK = 1e-9
#: Discs that are fitted to each other; k of them take k·√k steps. The others, which are small, stand in rings around.
_FITTED = 400


def packed(radii: Sequence[float]) -> tuple[list[Disc], Disc]:
    """Discs of these radii (the first in the middle, then the largest first), none over another, as near to where the
    first two touch as the ones before allow; and a circle around them."""
    discs, outermost = _fitted(radii[:_FITTED])
    around = enclosing(outermost)
    rings = list(_rings(around, radii[_FITTED:]))
    if rings:
        x, y, _ = around
        around = x, y, max(hypot(a - x, b - y) + r for a, b, r in rings)
    return discs + rings, around


def enclosing(discs: Sequence[Disc]) -> Disc:
    """The smallest circle around some discs."""
    basis: list[Disc] = []
    found: Disc | None = None
    ordered = list(discs)
    at = 0
    while at < len(ordered):
        disc = ordered[at]
        if found is not None and _holds(found, disc):
            at += 1
            continue
        extended = _extended(basis, disc)
        if extended is None:  # lost to rounding
            found = _around(discs)
            break
        basis, found = extended, _smallest(extended)
        ordered.insert(0, ordered.pop(at))
        at = 0
    x, y, _ = found or (0.0, 0.0, 0.0)
    return x, y, max((hypot(a - x, b - y) + r for a, b, r in discs), default=0.0)


def _fitted(radii: Sequence[float]) -> tuple[list[Disc], list[Disc]]:
    """Discs put one after the other where two touch, and those that are outermost."""
    if len(radii) < 2:
        alone = [(0.0, 0.0, r) for r in radii]
        return alone, alone
    discs = [(-radii[1], 0.0, radii[0]), (radii[0], 0.0, radii[1])]
    if len(radii) == 2:
        return discs, discs
    discs.append(_touching(discs[1], discs[0], radii[2]))
    front = _Front(discs)
    for radius in radii[3:]:
        front.add(radius)
    return discs, front.discs()


def _rings(inner: Disc, radii: Sequence[float]) -> Iterator[Disc]:
    """Discs in rings around one, as many to a ring as stand side by side, at even distances."""
    x, y, edge = inner
    at = 0
    while at < len(radii):
        distance = edge + radii[at]
        halves: list[float] = []
        turn = 0.0
        while at < len(radii) and turn + 2 * (half := asin(radii[at] / distance)) <= 2 * pi:
            halves.append(half)
            turn += 2 * half
            at += 1
        gap = (2 * pi - turn) / len(halves)
        angle = 0.0
        for radius, half in zip(radii[at - len(halves) : at], halves, strict=True):
            angle += half
            yield x + distance * cos(angle), y + distance * sin(angle), radius
            angle += half + gap
        edge = distance + radii[at - len(halves)]


class _Front:
    """The discs that stand outermost, as a ring: what comes next touches two neighbours of it."""

    def __init__(self, discs: list[Disc]) -> None:
        self._discs = discs
        self._next, self._previous = [1, 2, 0], [2, 0, 1]
        self._at = 0

    def add(self, radius: float) -> None:
        """Put one more disc."""
        discs, after, before = self._discs, self._next, self._previous
        a = self._at
        b = after[a]
        while True:
            disc = _touching(discs[a], discs[b], radius)
            hit = self._hit(a, b, disc)
            if hit is None:
                break
            a, b = hit
            after[a], before[b] = b, a
        number = len(discs)
        discs.append(disc)
        after.append(b)
        before.append(a)
        after[a] = before[b] = number
        self._at = self._nearest(number)

    def discs(self) -> list[Disc]:
        """The discs of the ring."""
        found = [self._discs[self._at]]
        at = self._next[self._at]
        while at != self._at:
            found.append(self._discs[at])
            at = self._next[at]
        return found

    def _hit(self, a: int, b: int, disc: Disc) -> tuple[int, int] | None:
        """The neighbours to try instead of `a` and `b`; None if a disc there lies over no other."""
        discs, after, before = self._discs, self._next, self._previous
        right, left = after[b], before[a]
        far_right, far_left = discs[b][2], discs[a][2]
        while True:
            if far_right <= far_left:
                if _overlap(discs[right], disc):
                    return a, right
                far_right += discs[right][2]
                right = after[right]
            else:
                if _overlap(discs[left], disc):
                    return left, b
                far_left += discs[left][2]
                left = before[left]
            if right == after[left]:
                return None

    def _nearest(self, start: int) -> int:
        """The disc whose touch with the next one is nearest to the middle."""
        discs, after = self._discs, self._next
        best, least, at = start, inf, start
        while True:
            ax, ay, ar = discs[at]
            bx, by, br = discs[after[at]]
            x, y, r = ax * br + bx * ar, ay * br + by * ar, ar + br
            score = (x * x + y * y) / (r * r)
            if score < least:
                best, least = at, score
            at = after[at]
            if at == start:
                return best


def _touching(b: Disc, a: Disc, radius: float) -> Disc:
    """A disc of this radius that touches both, on the left of the way from `a` to `b`."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    from_a, from_b = (a[2] + radius) ** 2, (b[2] + radius) ** 2
    if from_a > from_b:
        along = (square + from_b - from_a) / (2 * square)
        aside = sqrt(max(0.0, from_b / square - along * along))
        return b[0] - along * dx - aside * dy, b[1] - along * dy + aside * dx, radius
    along = (square + from_a - from_b) / (2 * square)
    aside = sqrt(max(0.0, from_a / square - along * along))
    return a[0] + along * dx - aside * dy, a[1] + along * dy + aside * dx, radius


def _overlap(a: Disc, b: Disc) -> bool:
    reach = (a[2] + b[2]) * (1 - _SLACK)
    dx, dy = a[0] - b[0], a[1] - b[1]
    return reach * reach > dx * dx + dy * dy


def _holds(outer: Disc, inner: Disc, slack: float = _SLACK) -> bool:
    room = outer[2] - inner[2] + max(outer[2], inner[2], 1.0) * slack
    dx, dy = inner[0] - outer[0], inner[1] - outer[1]
    return room >= 0 and room * room >= dx * dx + dy * dy


def _extended(basis: list[Disc], disc: Disc) -> list[Disc] | None:
    """The discs that the smallest circle around `basis` and one more touches: at most three."""
    if all(_holds(disc, one) for one in basis):
        return [disc]
    for one in basis:
        pair = [one, disc]
        if not _holds(disc, one, 0.0) and _holds_all(_smallest(pair), basis):
            return pair
    for one, other in combinations(basis, 2):
        triple = [one, other, disc]
        lacks = (([one, other], disc), ([one, disc], other), ([other, disc], one))
        if all(not _holds(_smallest(two), third, 0.0) for two, third in lacks) and _holds_all(_smallest(triple), basis):
            return triple
    return None


def _holds_all(outer: Disc | None, discs: Sequence[Disc]) -> bool:
    return outer is not None and all(_holds(outer, disc) for disc in discs)


def _smallest(discs: Sequence[Disc]) -> Disc:
    """The circle that touches one, two or three discs from outside."""
    if len(discs) == 1:
        return discs[0]
    if len(discs) == 2:
        (x1, y1, r1), (x2, y2, r2) = discs
        length = hypot(x2 - x1, y2 - y1)
        shift = (r2 - r1) / length
        return (x1 + x2 + (x2 - x1) * shift) / 2, (y1 + y2 + (y2 - y1) * shift) / 2, (length + r1 + r2) / 2
    return _around_three(*discs)


def _around_three(one: Disc, two: Disc, three: Disc) -> Disc:
    """Solves |centre − disc| + radius of disc = radius for the three at once (Apollonius)."""
    (x1, y1, r1), (x2, y2, r2), (x3, y3, r3) = one, two, three
    a2, a3, b2, b3, c2, c3 = x1 - x2, x1 - x3, y1 - y2, y1 - y3, r2 - r1, r3 - r1
    d1 = x1 * x1 + y1 * y1 - r1 * r1
    d2, d3 = d1 - x2 * x2 - y2 * y2 + r2 * r2, d1 - x3 * x3 - y3 * y3 + r3 * r3
    ab = a3 * b2 - a2 * b3
    if not ab:  # in a line: two of them decide
        return max((_smallest(pair) for pair in combinations((one, two, three), 2)), key=lambda disc: disc[2])
    xa, xb = (b2 * d3 - b3 * d2) / (ab * 2) - x1, (b3 * c2 - b2 * c3) / ab
    ya, yb = (a3 * d2 - a2 * d3) / (ab * 2) - y1, (a2 * c3 - a3 * c2) / ab
    a, b, c = xb * xb + yb * yb - 1, 2 * (r1 + xa * xb + ya * yb), xa * xa + ya * ya - r1 * r1
    r = -((b + sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a) if abs(a) > 1e-6 else c / b)
    return x1 + xa + xb * r, y1 + ya + yb * r, r


def _around(discs: Sequence[Disc]) -> Disc:
    """A circle around discs that is not the smallest: about the middle of their box."""
    left, right = min(x - r for x, _, r in discs), max(x + r for x, _, r in discs)
    low, high = min(y - r for _, y, r in discs), max(y + r for _, y, r in discs)
    return (left + right) / 2, (low + high) / 2, inf
