"""Draw the diagrams of the documentation as SVG files from `docs/pictures/diagrams.toml`.

python scripts/diagrams.py [--check]
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs/pictures"
WIDTH, HEIGHT = 190, 58
GAP_X, GAP_Y = 84, 46
MARGIN = 18

STYLE = """
  .paper { fill: #ffffff; stroke: #d0d7de }
  .box { fill: #eef3fb; stroke: #5b7fb5; stroke-width: 1.5 }
  .outside { fill: #f6f6f6; stroke: #8a8f98; stroke-dasharray: 5 3 }
  .good { fill: #e7f5ea; stroke: #3f8f57 }
  .bad { fill: #fdecea; stroke: #c2503f }
  .name { fill: #14181f; font-weight: 600; font-size: 15px }
  .note, .label { fill: #3d444d; font-size: 11.5px }
  .halo { fill: #ffffff }
  .arrow { stroke: #57606a; stroke-width: 1.5; fill: none }
  .tip { fill: #57606a }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14181f; stroke: #3d444d }
    .box { fill: #1d2b42; stroke: #7ea2d8 }
    .outside { fill: #22262e; stroke: #9aa1ab }
    .good { fill: #173222; stroke: #67b981 }
    .bad { fill: #3d1f1b; stroke: #e58574 }
    .name { fill: #f2f4f8 }
    .note, .label { fill: #c9d1d9 }
    .halo { fill: #14181f }
    .arrow { stroke: #b4bcc6 }
    .tip { fill: #b4bcc6 }
  }"""


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with --check return 1 if one is not what would be written."""
    diagrams = tomllib.loads((FOLDER / "diagrams.toml").read_text("utf-8"))
    written = {FOLDER / f"{name}.svg": draw(diagram) for name, diagram in diagrams.items()}
    if "--check" in arguments:
        return int(any(not path.exists() or path.read_text("utf-8") != text for path, text in written.items()))
    for path, text in written.items():
        path.write_text(text, "utf-8")
    return 0


def draw(diagram: dict[str, Any]) -> str:
    """Return a diagram as SVG, with its title and text for readers that do not see it."""
    boxes = {box["id"]: box for box in diagram["boxes"]}
    columns = 1 + max(box["at"][0] for box in boxes.values())
    rows = 1 + max(box["at"][1] for box in boxes.values())
    width = 2 * MARGIN + columns * (WIDTH + GAP_X) - GAP_X
    height = 2 * MARGIN + rows * (HEIGHT + GAP_Y) - GAP_Y
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        ' role="img" font-family="system-ui, sans-serif" text-anchor="middle">',
        f"<title>{escape(diagram['title'])}</title>",
        f"<desc>{escape(diagram['text'])}</desc>",
        f"<style>{STYLE}\n</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<rect class="paper" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10"/>',
    ]
    for arrow in diagram["arrows"]:
        parts += _arrow(boxes[arrow["from"]], boxes[arrow["to"]], arrow.get("label"))
    for box in boxes.values():
        parts += _box(box)
    return "\n".join([*parts, "</svg>", ""])


def _corner(box: dict[str, Any]) -> tuple[int, int]:
    column, row = box["at"]
    return MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y)


def _box(box: dict[str, Any]) -> Iterator[str]:
    left, top = _corner(box)
    middle = left + WIDTH // 2
    kind = f"box {box['kind']}" if "kind" in box else "box"
    yield f'<rect class="{kind}" x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
    yield f'<text class="name" x="{middle}" y="{top + 25}">{escape(box["text"])}</text>'
    yield f'<text class="note" x="{middle}" y="{top + 44}">{escape(box["note"])}</text>'


def _arrow(start: dict[str, Any], end: dict[str, Any], label: str | None) -> Iterator[str]:
    (left, top), (right, bottom) = _corner(start), _corner(end)
    if start["at"][0] == end["at"][0]:
        down = bottom > top
        ends = (left + WIDTH // 2, top + HEIGHT * down), (right + WIDTH // 2, bottom + HEIGHT * (not down))
    else:
        ahead = right > left
        ends = (left + WIDTH * ahead, top + HEIGHT // 2), (right + WIDTH * (not ahead), bottom + HEIGHT // 2)
    (x1, y1), (x2, y2) = ends
    yield f'<path class="arrow" d="M{x1} {y1} {x2} {y2}" marker-end="url(#tip)"/>'
    if label:
        x, y, half = (x1 + x2) // 2, (y1 + y2) // 2, 3 * len(label) + 5
        yield f'<rect class="halo" x="{x - half}" y="{y - 9}" width="{2 * half}" height="17" rx="4"/>'
        yield f'<text class="label" x="{x}" y="{y + 4}">{escape(label)}</text>'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
