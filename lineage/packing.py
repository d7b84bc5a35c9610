"""Discs side by side without overlap: the larger, the nearer to the middle."""

from collections.abc import Iterator, Sequence
from math import asin, hypot, pi

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Floats = NDArray[np.float64]

#: Discs that are fitted to each other, each to a pair of those before it; the others stand in rings around them.
_FITTED = 80
#: Steps towards the middle of the discs: as many leave its circle some hundredths too large.
_STEPS = 60
#: Rounding must not part discs that touch.
_SLACK = 1e-9


def packed(radii: Sequence[float]) -> tuple[list[Point], float]:
    """Where discs of these radii stand, none over another; and the radius of the circle around (0, 0) that holds them.

    Takes O(n log n) time. Discs that are small beside the largest add what they need to its radius, not a share of it:
    so a long chain of discs, each in the next, grows by the sum of its links.
    """
    order = sorted(range(len(radii)), key=lambda at: -radii[at])
    sizes = [radii[at] for at in order]
    fitted = _fitted(np.array(sizes[:_FITTED]))
    x, y, extent = _around(fitted, sizes)
    found = [(a - x, b - y) for a, b in fitted]
    for ring, distance in _rings(sizes[_FITTED:], extent):
        found += ring
        extent = distance
    centres = [(0.0, 0.0)] * len(radii)
    for at, centre in zip(order, found, strict=True):
        centres[at] = centre
    return centres, extent


def _fitted(radii: Floats) -> list[Point]:
    """Each disc (the largest first) in that corner between two of those before it that is nearest to their middle."""
    x, y = np.zeros((2, len(radii)))
    x[1:2] = radii[:1] + radii[1:2]
    for at in range(2, len(radii)):
        placed = x[:at], y[:at], radii[:at]
        corner_x, corner_y = _corners(*placed, radii[at])
        weight = radii[:at] ** 2 / (radii[:at] ** 2).sum()
        far = np.hypot(corner_x - weight @ x[:at], corner_y - weight @ y[:at])
        x[at], y[at] = corner_x[far.argmin()], corner_y[far.argmin()]
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _corners(x: Floats, y: Floats, radii: Floats, radius: float) -> tuple[Floats, Floats]:
    """Where one more disc touches two others and lies over none."""
    one, other = np.triu_indices(len(x), 1)
    reach = radii + radius
    dx, dy = x[other] - x[one], y[other] - y[one]
    apart = np.hypot(dx, dy)
    near = apart <= (reach[one] + reach[other]) * (1 + _SLACK)
    one, other, dx, dy, apart = one[near], other[near], dx[near], dy[near], apart[near]
    along = (apart + (reach[one] ** 2 - reach[other] ** 2) / apart) / 2
    aside = np.sqrt(np.maximum(reach[one] ** 2 - along**2, 0))
    dx, dy = dx / apart, dy / apart
    corner_x = np.concatenate((x[one] + along * dx - aside * dy, x[one] + along * dx + aside * dy))
    corner_y = np.concatenate((y[one] + along * dy + aside * dx, y[one] + along * dy - aside * dx))
    free = (np.hypot(corner_x[:, None] - x, corner_y[:, None] - y) >= reach * (1 - _SLACK)).all(axis=1)
    return corner_x[free], corner_y[free]


def _around(centres: Sequence[Point], radii: Sequence[float]) -> tuple[float, float, float]:
    """A circle around discs that stand as `_fitted` puts them: the smallest met on the way to their middle.

    The way leads from the middle of the largest towards the farthest disc of all, by ever smaller steps
    (Bădoiu and Clarkson, Smaller core-sets for balls, SODA 2003).
    """
    if len(centres) <= 2:  # most are two
        return sum(radii[1:2]), 0.0, sum(radii[:2])
    discs = [(x, y, radius) for (x, y), radius in zip(centres, radii, strict=False)]
    at_x = at_y = 0.0
    tried = []
    for step in range(2, _STEPS):
        far, x, y, radius = max((hypot(x - at_x, y - at_y) + radius, x, y, radius) for x, y, radius in discs)
        tried.append((far, at_x, at_y))
        share = far / (far - radius) / step
        at_x, at_y = at_x + (x - at_x) * share, at_y + (y - at_y) * share
    extent, x, y = min(tried)
    return x, y, extent


def _rings(radii: Sequence[float], edge: float) -> Iterator[tuple[list[Point], float]]:
    """Rings around a circle, as many discs to each as stand side by side, evenly spaced; how far each reaches."""
    at = 0
    while at < len(radii):
        distance = edge + radii[at]
        edge = distance + radii[at]
        halves: list[float] = []
        turn = 0.0
        while at < len(radii) and turn + 2 * (half := asin(radii[at] / distance)) <= 2 * pi + _SLACK:
            halves.append(half)
            turn += 2 * half
            at += 1
        gap = (2 * pi - turn) / len(halves)
        ends = np.cumsum(np.array(halves) * 2 + gap)
        angles = ends - np.array(halves)
        yield list(zip((distance * np.cos(angles)).tolist(), (distance * np.sin(angles)).tolist(), strict=True)), edge
