"""The command that says what is wrong with an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.configuration import settings
from filmgate.adapters.cli.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filmgate.ops.doctor import Finding, SandboxExamination


def doctor(
    data: options.Data = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the providers.")] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Only test the sandbox, from inside a decoder, as an attacker would.")
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Find problems, and print why each matters and what to do. Change nothing.

    It works whether or not the service runs. Exit code 1 means a problem.
    """
    from filmgate.ops.doctor import examine, look_at_sandbox

    extra: dict[str, object] = {}
    findings = []
    found: Iterable[Finding]
    if sandbox:
        examined, found = look_at_sandbox(settings(data=data))
        if examined:
            extra = {"sandbox": examined.report.walls, "needs": examined.report.needs, "layers": examined.layers}
            if not as_json:
                _show_attempts(examined)
    else:
        found = examine(settings(data=data), offline=offline)
    for finding in found:
        findings.append(finding)
        if not as_json:
            _show(finding)
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if as_json:
        output.emit({**extra, "problems": problems, "warnings": warnings, "findings": findings})
    else:
        print(f"\nproblems: {problems}, warnings: {warnings}")
    return Exit.FAILED if problems else Exit.DONE


def _show_attempts(examined: SandboxExamination) -> None:
    for title, outcomes in (
        ("layers", examined.layers),
        ("attempts from inside", examined.report.walls),
        ("needed", examined.report.needs),
    ):
        print(f"{title}:")
        for name, outcome in outcomes.items():
            print(f"  {name:<28} {output.printable(outcome)}")


def _show(finding: Finding) -> None:
    print(f"{finding.level:<8} {finding.check}: {output.printable(finding.found)}")
    for word, text in (("why", finding.why), ("do", finding.do)):
        if text:
            print(f"         {word + ':':<4} {output.printable(text)}")
