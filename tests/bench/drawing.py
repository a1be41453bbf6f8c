# SPDX-License-Identifier: Apache-2.0
"""Panels of one curve each, as SVG: both axes logarithmic, so that what is linear is a straight line upwards."""
import math

WIDTH, HEIGHT, MARGIN, COLUMNS = 360, 240, 56, 3


def ticks(low, high):
    """The powers of ten that frame [low, high]."""
    return [10**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def short(value):
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def panel(left, top, name, axis, xs, ys):
    across, up = ticks(min(xs), max(max(xs), min(xs) * 10)), ticks(min(ys), max(ys))
    if len(up) == 1:
        up.append(up[0] * 10)

    def x_of(value):
        return left + MARGIN + (math.log10(value / across[0]) / math.log10(across[-1] / across[0])) * (WIDTH - MARGIN - 20)

    def y_of(value):
        return top + HEIGHT - 40 - (math.log10(value / up[0]) / math.log10(up[-1] / up[0])) * (HEIGHT - 80)

    out = [f'<text x="{left + WIDTH / 2}" y="{top + 20}" text-anchor="middle" font-weight="bold">{name}</text>',
           f'<text x="{left + WIDTH - 20}" y="{top + HEIGHT - 8}" text-anchor="end">{axis}</text>',
           f'<text x="{left + 8}" y="{top + 34}">ns per event</text>']
    for value in up:
        out.append(f'<path d="M{x_of(across[0]):.1f} {y_of(value):.1f}H{x_of(across[-1]):.1f}" stroke="#ddd"/>'
                   f'<text x="{left + MARGIN - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{short(value)}</text>')
    for value in across:
        out.append(f'<text x="{x_of(value):.1f}" y="{top + HEIGHT - 24}" text-anchor="middle">{short(value)}</text>')
    points = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in zip(xs, ys))
    out.append(f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="2"/>')
    out += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="#06c"><title>{short(x)}: {y:,.0f} ns</title></circle>'
            for x, y in zip(xs, ys)]
    return "\n".join(out)


def svg(panels):
    rows = -(-len(panels) // COLUMNS)
    drawn = "\n".join(panel(i % COLUMNS * WIDTH, i // COLUMNS * HEIGHT, *one) for i, one in enumerate(panels))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * COLUMNS} {HEIGHT * rows}" '
            f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n{drawn}\n</svg>\n')
