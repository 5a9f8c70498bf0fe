"""All checks, one after the other; one that breaks is a finding of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from filmgate.app.requirements import leave_out_studio
from filmgate.domain.settings import Settings
from filmgate.ops.doctor import engines, installation, ledger, machine, media, options, sandbox
from filmgate.ops.doctor.findings import Finding, problem
from filmgate.ops.doctor.process import Running, running

Check = Callable[[Settings, Running], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    installation.python,
    installation.packages,
    media.libraries,
    machine.folder,
    machine.room,
    machine.clock,
    machine.open_files,
    machine.port,
    options.reach,
    options.keys,
    ledger.ledger,
    ledger.files,
    ledger.work,
    media.clips,
    sandbox.sandbox,
    engines.local,
)
"""The checks that ask nobody else."""


def examine(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Run all checks and return their findings; unless `offline`, ask the providers too."""
    now, settings = running(settings), leave_out_studio(settings)
    for check in CHECKS if offline else (*CHECKS, engines.providers):
        try:
            yield from check(settings, now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
            yield problem(
                check.__name__,
                f"the check itself broke: {type(error).__name__}: {error}",
                "What it would have looked at is not known.",
                "Read the message. If it does not help, report it with the message.",
            )
