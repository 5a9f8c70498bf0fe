"""Named SQL statements in files.

A block of a `.sql` file starts with `-- name: NAME` and a line that says what it does; `{NAME}` stands for another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

Row = tuple[Any, ...]
Values = dict[str, Any]

_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_BLOCK = re.compile(r"\{(\w+)\}")


def load(package: str, folder: str = "queries") -> Mapping[str, str]:
    """Read every statement below a package's folder; raises ValueError for a name that occurs twice."""
    blocks: dict[str, str] = {}
    for file in resources.files(package).joinpath(folder).iterdir():
        if file.name.endswith(".sql"):
            parts = _HEADER.split(file.read_text("utf-8"))
            for name, body in zip(parts[1::2], parts[2::2], strict=True):
                if name in blocks:
                    raise ValueError(f"statement {name} occurs twice")
                blocks[name] = _COMMENT.sub("", body).strip()
    return {name: _BLOCK.sub(lambda found: blocks[found[1]], body) for name, body in blocks.items()}
