"""How long credits last. On its own, because the command line names the periods before it loads anything else."""

from __future__ import annotations

from enum import StrEnum


class Period(StrEnum):
    """How long credits last, until there are as many again; days and months are of UTC."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"
