"""The SQLite ledger keeps every promise of a ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.ports.ledger import Ledger

from . import (
    conformance,
    conformance_accounts,
    conformance_callbacks,
    conformance_changes,
    conformance_due,
    conformance_providers,
    conformance_retention,
    conformance_submits,
    machine,
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open an empty ledger in a file."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    yield opened
    await opened.close()


class TestAccess(conformance.AccessConformance):
    pass


class TestReading(conformance.ReadingConformance):
    pass


class TestFind(conformance.FindConformance):
    pass


class TestChanging(conformance.ChangingConformance):
    pass


class TestClaim(conformance_due.ClaimConformance):
    pass


class TestDue(conformance_due.DueConformance):
    pass


class TestProviders(conformance_providers.ProviderConformance):
    pass


class TestSubmits(conformance_submits.SubmitConformance):
    pass


class TestChanges(conformance_changes.ChangeConformance):
    pass


class TestCallbacks(conformance_callbacks.CallbackConformance):
    pass


class TestSecrets(conformance_callbacks.SecretConformance):
    pass


class TestCredits(conformance_accounts.CreditConformance):
    pass


class TestUsage(conformance_accounts.UsageConformance):
    pass


class TestRetention(conformance_retention.RetentionConformance):
    pass


class SqliteMachine(machine.LedgerMachine):
    def new_ledger(self) -> Ledger:
        """Return a ledger in a folder of its own."""
        self.folder = TemporaryDirectory()
        return SqliteLedger(Path(self.folder.name) / "ledger.db")

    def teardown(self) -> None:
        """Remove the folder too."""
        super().teardown()
        self.folder.cleanup()


SqliteMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class TestAgainstADictionary(SqliteMachine.TestCase):
    """After any order of acts the ledger says what a dictionary says."""
