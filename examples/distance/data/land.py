#!/usr/bin/env python3
"""Draws the land of the world as one SVG path, from a TopoJSON file of the npm package world-atlas.

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz && python3 land.py package/land-50m.json

Writes `land.path` beside itself. Units are tenths of a degree: x is the longitude, y the Miller projection of the
latitude, downwards (page/app.js projects the same way). Cylindrical, so the map can be moved along the equator by
translation; Miller's, because it shows the poles and yet keeps shapes where people live.
"""

import json
import math
import sys
from pathlib import Path

TOLERANCE = 0.6  # tenths of a degree: what a simplified line may be off; less for small islands
SMALLEST = 2.0  # square tenths of a degree: islands below are left out


def main():
    topology = json.loads(Path(sys.argv[1]).read_text())
    arcs = [list(decode(arc, topology["transform"])) for arc in topology["arcs"]]
    rings = [unrolled(ring(indices, arcs)) for polygon in polygons(topology["objects"]["land"]) for indices in polygon]
    drawn = sorted((simplified(r) for r in rings if area(r) >= SMALLEST), key=area, reverse=True)
    path = "".join(draw(r) for r in drawn if len(r) > 3)
    (Path(__file__).parent / "land.path").write_text(path + "\n")
    print(f"{len(rings)} rings of {sum(map(len, rings))} points; drawn {len(drawn)} of {sum(map(len, drawn))}: {len(path)} bytes")


def polygons(geometry):
    """The polygons of a geometry, as lists of rings of arc indices."""
    match geometry["type"]:
        case "GeometryCollection":
            return [p for g in geometry["geometries"] for p in polygons(g)]
        case "MultiPolygon":
            return geometry["arcs"]
        case "Polygon":
            return [geometry["arcs"]]


def decode(arc, transform):
    """Positions of an arc: delta-encoded, quantised (TopoJSON specification 2.1.2, 2.1.3)."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    for dx, dy in arc:
        x, y = x + dx, y + dy
        yield project(x * scale_x + left, y * scale_y + bottom)


def project(longitude, latitude):
    """Miller's cylindrical projection."""
    return longitude * 10, -math.degrees(1.25 * math.asinh(math.tan(0.8 * math.radians(latitude)))) * 10


def ring(indices, arcs):
    """Arcs put end to end; a negative index is an arc backwards."""
    points = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += arc[1 if points else 0 :]
    return points


def unrolled(points):
    """The ring in one piece: where it crosses the date line it goes on beyond 180 degrees, for the map to repeat.

    A ring around a pole does not come back to where it began; it is closed over the edge of the map."""
    turns, whole = 0, [points[0]]
    for (x0, _), (x1, y1) in zip(points, points[1:]):
        turns += (x0 - x1 > 1800) - (x1 - x0 > 1800)
        whole.append((x1 + turns * 3600, y1))
    if turns:
        _, edge = project(0, math.copysign(90, -whole[0][1]))
        whole += [(whole[-1][0], edge), (whole[0][0], edge)]
    return whole


def area(points):
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1]))) / 2


def simplified(points):
    """Ramer, Douglas and Peucker, on a ring that is cut where it is widest."""
    far = max(range(len(points)), key=lambda i: math.dist(points[0], points[i]))
    tolerance = min(TOLERANCE, math.sqrt(area(points)) / 8)
    return peucker(points[: far + 1], tolerance)[:-1] + peucker(points[far:], tolerance)


def peucker(points, tolerance):
    keep, todo = {0, len(points) - 1}, [(0, len(points) - 1)]
    while todo:
        a, b = todo.pop()
        if b - a < 2:
            continue
        off, i = max((away(points[i], points[a], points[b]), i) for i in range(a + 1, b))
        if off > tolerance:
            keep.add(i)
            todo += [(a, i), (i, b)]
    return [points[i] for i in sorted(keep)]


def away(point, a, b):
    """Distance of a point from a segment."""
    (px, py), (ax, ay), (bx, by) = point, a, b
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = 0 if length == 0 else max(0, min(1, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length))
    return math.dist(point, (ax + t * (bx - ax), ay + t * (by - ay)))


def draw(points):
    """A closed path in whole units, relative, without what says nothing."""
    whole = [(round(x), round(y)) for x, y in points]
    text, (x, y) = f"M{whole[0][0]},{whole[0][1]}l", whole[0]
    for nx, ny in whole[1:]:
        if (nx, ny) != (x, y):
            text += pair(nx - x, ny - y)
            x, y = nx, ny
    return text.replace("l ", "l") + "z"


def pair(dx, dy):
    """Two numbers, the sign of each standing for the blank where there is one."""
    return (f"{dx}" if dx < 0 else f" {dx}") + (f"{dy}" if dy < 0 else f",{dy}")


if __name__ == "__main__":
    main()
