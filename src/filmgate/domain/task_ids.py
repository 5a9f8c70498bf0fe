"""Ids as people and programs write them."""

from __future__ import annotations

import re
from typing import Final

_WRITTEN: Final = re.compile(r"[\s{(]*([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})[\s})]*")


def canonical_id(written: str) -> str:
    """Return an id as it is stored: in small letters, without braces and white space around it.

    What is no UUID stays as it is. Look for the id as it was written first: those of providers may have capitals.
    """
    found = _WRITTEN.fullmatch(written) if len(written) < 100 else None
    return written if found is None else found[1].lower()
