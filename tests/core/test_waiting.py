"""How long a query is to wait, as requests say it."""

from __future__ import annotations

import pytest

from filmgate.core.query.wait import Hold, hold
from filmgate.domain.errors import InvalidRequest


@pytest.mark.parametrize(
    ("wait", "prefer", "expected"),
    [
        (None, None, Hold()),
        ("0", None, Hold()),
        ("1.5", None, Hold(1.5)),
        ("50", None, Hold(50)),
        (None, "wait=10", Hold(10, preferred=True)),
        (None, 'respond-async, Wait="10"; x=1', Hold(10, preferred=True)),
        (None, "return=minimal", Hold()),
        (None, "", Hold()),
        ("2", "wait=10", Hold(2)),
    ],
)
def test_what_is_asked_for(wait: str | None, prefer: str | None, expected: Hold):
    """0 to 50 seconds, as a parameter or as a preference; the parameter counts, other preferences do not."""
    assert hold(wait, prefer) == expected


@pytest.mark.parametrize("wrong", ["51", "-1", "nan", "inf", "soon", "", "1_0", "\ud800", "٣", "50.0000001"])
def test_what_is_no_number_of_seconds(wrong: str):
    """Anything else is refused, in both places."""
    for wait, prefer in ((wrong, None), (None, f"wait={wrong}")):
        with pytest.raises(InvalidRequest, match="0 to 50 seconds"):
            hold(wait, prefer)
