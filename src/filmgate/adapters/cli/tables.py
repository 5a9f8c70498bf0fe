"""Lists: a table in a terminal, else one entry per line with tabs between the fields."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from filmgate.adapters.cli import output

_WIDEST, _NARROWEST = 40, 12
"""Columns of the terminal for a field that is no id, at most, and for the one that is cut, at least."""

_BETWEEN = 4
"""Columns of the terminal that a field takes besides its own, at most."""


def show(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, cut: str | None = None, caption: str | None = None
) -> None:
    """Print a list. In a table the column `cut` ends where the line does; without one, long fields are folded."""
    cells = [[output.printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _table(head, cells, cut, caption)
    else:
        for row in cells:
            print("\t".join(row))


def caption(shown: int, total: int) -> str:
    """Print how many of a list are shown, and how long it is as far as it was counted."""
    from filmgate.ports.tasks import COUNTED

    return f"{shown} of {total:,}{' or more' if total >= COUNTED else ''}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], cut: str | None, caption: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    if cut is None:
        for name in head:
            table.add_column(name, overflow="fold")
    else:
        widths = _widths(head, rows, cut, console.width)
        for name, width in widths.items():
            table.add_column(name, no_wrap=True, overflow="ellipsis", width=width)
        # Where the terminal is too narrow its lines go on in the next one: an id is there to be copied.
        console = Console(width=max(console.width, sum(width + _BETWEEN for width in widths.values())))
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], cut: str, width: int) -> dict[str, int]:
    """Return the widths of columns: that of the longest field, up to a limit; the cut one gets the rest."""
    from rich.cells import cell_len

    needs = {column[0]: max(map(cell_len, column)) for column in zip(head, *rows, strict=True)}
    widths = {name: need if name == "id" else min(_WIDEST, need) for name, need in needs.items()}
    left = width - sum(need + _BETWEEN for need in widths.values()) + widths[cut]
    return widths | {cut: max(_NARROWEST, left)}
