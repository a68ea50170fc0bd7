"""Plots as SVG text: lines over days, and dots by group. Nothing more is needed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 360, 56, 40, 150, 44
COLOURS = ("#0072b2", "#000000", "#d55e00", "#009e73", "#cc79a7")
TICKS = 5


def lines(title: str, x_name: str, series: Mapping[str, Sequence[float]], top: float = 1.0) -> str:
    """One line per series; y from 0 to `top`, as shares."""
    longest = max(len(values) for values in series.values())
    parts = [*_frame(title, x_name, top), *_x_ticks(longest)]
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(
            f"{_x(at, longest):.1f},{_y(min(value, top), top):.1f}"
            for at, value in enumerate(values)
        )
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'
        )
        parts.append(_text(WIDTH - RIGHT + 10, TOP + 16 + 20 * number, name, colour))
    return _whole(parts)


def dots(title: str, groups: Mapping[str, Sequence[float]], top: float = 1.0) -> str:
    """Each group's values in a column of its own, sorted, with the median as a bar."""
    parts = _frame(title, "", top)
    wide = (WIDTH - LEFT - RIGHT) / len(groups)
    for number, (name, values) in enumerate(groups.items()):
        colour, ranked = COLOURS[number % len(COLOURS)], sorted(values)
        left = LEFT + number * wide
        for at, value in enumerate(ranked):
            x = left + wide * (0.15 + 0.7 * (at + 0.5) / len(ranked))
            y = _y(min(value, top), top)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        y = _y(min(ranked[len(ranked) // 2], top), top)
        parts.append(_line(left + wide * 0.1, y, left + wide * 0.9, y, colour))
        parts.append(_text(left + wide * 0.15, HEIGHT - 16, f"{name} ({len(ranked)})", "#333"))
    return _whole(parts)


def _frame(title: str, x_name: str, top: float) -> list[str]:
    parts = [_text(LEFT, 22, title, "#000"), _text(LEFT, HEIGHT - 6, x_name, "#333")]
    for tick in range(TICKS + 1):
        share = top * tick / TICKS
        y = _y(share, top)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "#ddd"))
        parts.append(_text(10, y + 4, f"{share:.0%}", "#333"))
    return parts


def _x_ticks(longest: int) -> list[str]:
    step = max(1, longest // 6)
    return [
        _text(_x(at, longest) - 6, HEIGHT - 24, str(at), "#333") for at in range(0, longest, step)
    ]


def _x(at: int, longest: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / max(1, longest - 1)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, said: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{said}</text>'


def _whole(parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])
