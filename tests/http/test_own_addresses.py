"""What listens on all interfaces behind a firewall is not reached through the machine's own public addresses."""

from __future__ import annotations

import sys

import pytest
from tests.http import own_machine
from tests.http.machine import played

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")


@pytest.mark.parametrize("case", [each.__name__ for each in own_machine.CASES])
async def test_own_addresses(case: str):
    """An address of this machine is private, whoever has it, however it is written, and from when on."""
    status, errors = await played(own_machine.__name__, case)
    assert status == 0, errors
