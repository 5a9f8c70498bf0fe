"""How Dream Machine says for certain that it accepted nothing, and that it does not know a generation."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.dialects.calling.answers import not_found
from filmgate.adapters.dialects.calling.upstreams import Code, Unknown

CODES: Final[dict[str, Code]] = {}
"""Luma documents sentences and no codes: an error under a 2xx leaves a submit open."""

UNKNOWN: Final = Unknown({}, {not_found("generation|task"): "Luma, Dream Machine API: 'Generation not found'"})
