"""Submits of an unknown outcome: what at the provider is certainly one of them, and what only resembles it.

Only a mark that was sent is identity: the submit key, which is random and inside the address that the provider calls
back. What carries it is ours, whatever its prompt. What carries another mark never is. What carries none, though its
prompt and time fit, is a resemblance: another Filmgate, another tenant or a person may have paid for it.
"""

from __future__ import annotations

from typing import NamedTuple

from filmgate.core.providers.account import Account
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.task import Resemblance, SubmitAttempt
from filmgate.ports.provider import Status, Submission, TaskRef
from filmgate.ports.provider_ids import ProviderIds

UNKNOWN = Failure(
    FailureCode.SUBMIT_UNKNOWN,
    "The provider did not say whether it accepted the task, and it could not be found there. It may have been charged.",
)

SKEW = 60.0
"""Seconds by which a provider's clock may differ from ours."""

_DAY = 86_400.0
_SHOWN = 20
"""So many resemblances are kept for admins."""


class IdentifiedTask(NamedTuple):
    """What a submit has become at its provider, if that is certain, and what only resembles it."""

    ours: TaskRef | None
    alike: tuple[Resemblance, ...] = ()


def unknown_until(asked: SubmitAttempt, settings: AccountSettings | None) -> float:
    """Return when a submit of an unknown outcome ends its task, in unix seconds; None stands for no such account."""
    return asked.at + (settings or AccountSettings()).unknown_days * _DAY


async def identify(
    account: Account, ledger: ProviderIds, submission: Submission, asked: SubmitAttempt, task_id: str
) -> IdentifiedTask:
    """Look for what a submit without an answer has become. Raises ProviderError.

    A resemblance counts as the submit's only where the account is `exclusive` and no other can be meant: it alone
    resembles it, and no other submit with its prompt is open.
    """
    reports = await account.find(submission, asked.at - SKEW)
    # In this order: a submit that is not open any more when it is looked for has its id in the ledger by then.
    others = [each for each in await ledger.open_submits(account.name) if each.task_id != task_id]
    known = await ledger.find_upstream(account.name, [report.receipt.id for report in reports])
    unknown = [report for report in reports if known.get(report.receipt.id, task_id) == task_id]
    ours = next((report.receipt for report in unknown if report.marked), None)
    if ours is not None:
        return IdentifiedTask(ours)
    latest = max(asked.at, asked.latest or 0.0) + account.settings.timeout + SKEW
    alike = [each for each in unknown if not each.marked and (each.created_at or asked.at) <= latest]
    prompt = submission.generation.prompt.strip()
    sure = account.settings.exclusive and len(alike) == 1 and _is_told(alike[0], prompt)
    if sure and not any(other.generation.prompt.strip() == prompt for other in others):
        return IdentifiedTask(alike[0].receipt)
    return IdentifiedTask(None, tuple(Resemblance(each.receipt.id, each.created_at) for each in alike[:_SHOWN]))


def _is_told(report: Status, prompt: str) -> bool:
    """Return whether the provider tells both of what identifies its one candidate: this prompt, and a time."""
    told = None if report.asked is None else report.asked.prompt.strip()
    return told == prompt and report.created_at is not None
