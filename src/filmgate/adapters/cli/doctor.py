"""The command that says what is wrong with an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.configuration import settings
from filmgate.adapters.cli.exits import Exit

if TYPE_CHECKING:
    from filmgate.app.doctor import Finding


def doctor(
    data: options.Data = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the providers.")] = False,
    as_json: options.Json = False,
) -> int:
    """Look for what is wrong, say why it matters and what to do; nothing is changed.

    It works while the service runs and while it does not. Exit code 1 if there is a problem; warnings are none.
    """
    from filmgate.app.doctor import examine

    findings = []
    for finding in examine(settings(data=data), offline=offline):
        findings.append(finding)
        if not as_json:
            _show(finding)
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if as_json:
        output.emit({"problems": problems, "warnings": warnings, "findings": findings})
    else:
        print(f"\nproblems: {problems}, warnings: {warnings}")
    return Exit.FAILED if problems else Exit.DONE


def _show(finding: Finding) -> None:
    print(f"{finding.level:<8} {finding.check}: {output.printable(finding.found)}")
    for word, text in (("why", finding.why), ("do", finding.do)):
        if text:
            print(f"         {word + ':':<4} {output.printable(text)}")
