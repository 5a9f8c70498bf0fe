"""Mistyped names: how far two are apart, and which one was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def edits(one: str, other: str) -> int:
    """Count the letters to insert, delete, replace or swap with their neighbour to get from one name to the other."""
    far = len(one) + len(other)
    table: list[list[int]] = [[far] * (len(other) + 2), [far, *range(len(other) + 1)]]
    seen: dict[str, int] = {}
    for down, letter in enumerate(one, 1):
        row = [far, down]
        match = 0  # the last place in this row where the letters were the same
        for across, wanted in enumerate(other, 1):
            above = seen.get(wanted, 0)
            # Neighbours that were swapped, with all that was put between them or lost from there.
            swapped = table[above][match] + (down - above - 1) + 1 + (across - match - 1)
            same = letter == wanted
            match = across if same else match
            row.append(min(table[down][across] + (not same), row[across] + 1, table[down][across + 1] + 1, swapped))
        seen[letter] = down
        table.append(row)
    return table[-1][-1]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is the fewest edits away, whatever its case; None if there are no names."""
    return min(known, key=lambda each: (edits(name.lower(), each.lower()), edits(name, each), each), default=None)


def meant(name: str, known: Collection[str]) -> str | None:
    """Return the known name that was probably meant: at most a third of its letters, or two, are different."""
    found = nearest(name, known)
    if found is None or edits(name.lower(), found.lower()) > max(2, len(found) // 3):
        return None
    return found


def check_keys(given: Iterable[str], known: Collection[str]) -> None:
    """Raise ValueError for a key that there is not, with the nearest one that there is."""
    for name in given:
        if name not in known:
            raise ValueError(f'there is no key "{name}"; the nearest is "{nearest(name, known)}"')
