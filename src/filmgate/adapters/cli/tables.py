"""Lists: a table in a terminal, else one entry per line with tabs between the fields."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from filmgate.adapters.cli import output


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


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], cut: str | None, caption: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    for name in head:
        if name == cut:
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1)
        else:
            # Whatever else is long: an id is there to be copied.
            whole = max((len(row[0]) for row in rows), default=0) if name == "id" else None
            table.add_column(name, no_wrap=cut is not None, overflow="fold", min_width=whole)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
