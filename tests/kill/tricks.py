"""What a provider does to a job, and what may become of its task. Both sides read it from the prompt.

`number 7 [answer=cut] [look=router] [end=failed] [list=never]`: the number makes a prompt its own, so that what arrives
at the provider can be counted for each task.
"""

from __future__ import annotations

import io
import random
import re
from typing import Final, NamedTuple

from PIL import Image

_MARK: Final = re.compile(r"\[(?P<name>[a-z]+)=(?P<value>[a-z0-9]+)\]")

FAILED: Final = "It did not work out."
"""Why jobs fail."""

REFUSING: Final = {"refused": 422, "busy": 429}
"""Answers by which a provider says for certain that it has accepted nothing."""

STATUSES: Final = {f"s{status}": status for status in (302, 307, 408, 409, 423, 425, 499, 500, 502, 503, 504)}
"""Answers after the job was accepted that do not say so."""

REPEATED: Final = {"inflight": 409, "limited": 429, "disputed": 422}
"""Answers to the first repeat under a key; the submit before it was accepted, and its answer was cut off."""


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE: Final = _png()
"""What requests refer to."""


class Account(NamedTuple):
    """An account at the provider: its dialect, its table for the service, and what it does to jobs.

    `finds` says whether a submit without an answer can always be found again, `fails` whether one that cannot ends.
    """

    type: str
    table: dict[str, object]
    answers: tuple[str, ...]
    looks: tuple[str, ...] = ("plain",)
    lists: tuple[str, ...] = ("plain",)
    finds: bool = False
    fails: bool = False


_CLEAR: Final = ("plain", "plain", "plain", "slow", "tardy")
_LOST: Final = ("cut", "half", "garbage", "error")
_SINGLE: Final = ("plain", "plain", "router", "job500", "errors", "words")

ACCOUNTS: Final = {
    "marked": Account(
        "dream_machine", {}, (*_CLEAR * 4, *_LOST, *STATUSES, "job500", "refused"), _SINGLE,
        ("plain", "plain", "never"), finds=True,
    ),
    "bare": Account(
        "dream_machine", {"callbacks": False}, (*_CLEAR, *_LOST, "s500", "s499"), _SINGLE, ("bare", "plain", "never")
    ),
    "sole": Account(
        "dream_machine", {"callbacks": False, "exclusive": True}, (*_CLEAR, *_LOST, "s500"), _SINGLE, ("plain", "bare"),
        finds=True,
    ),
    "keyed": Account(
        "dream_machine", {"idempotency_keys": True}, (*_CLEAR, *_LOST, *REPEATED, "s502", "job500"), _SINGLE,
        finds=True,
    ),
    "gate": Account(
        "gateway", {}, (*_CLEAR, *_CLEAR, *_LOST, "envelope", "envelope", "s504", "refused", "job500"),
        ("plain", "words"),
    ),
    "openai": Account(
        "openai_videos", {"on_unknown": "fail"}, (*_CLEAR, "cut", "s500", "s408", "refused", "job500"), _SINGLE,
        ("plain", "never"), fails=True,
    ),
    "ace": Account("acedata", {"callbacks": False}, (*_CLEAR, *_LOST, "envelope", "refused"), ("plain", "words")),
    "agents": Account("agents", {}, (*_CLEAR, *_LOST, "s503"), _SINGLE),
    "twin": Account("dream_machine", {"callbacks": False}, ("plain", "same")),
    "busy": Account("dream_machine", {}, ("busy",)),
    "spare": Account("dream_machine", {"priority": 1}, ("busy",)),
}  # fmt: skip
"""By the name of the account, which is that of its model too; what `busy` refuses goes to `spare`."""


def marks(prompt: str) -> dict[str, str]:
    """Return what a prompt says."""
    return {found["name"]: found["value"] for found in _MARK.finditer(prompt)}


def draw(model: str, number: int, chance: random.Random, completes: float = 0.12) -> str:
    """Return a prompt of its own for a model."""
    account = ACCOUNTS[model]
    end = "done" if chance.random() < completes else "failed"
    return (
        f"number {number} [answer={chance.choice(account.answers)}] [look={chance.choice(account.looks)}] "
        f"[list={chance.choice(account.lists)}] [end={end}]"
    )


def findable(model: str, prompt: str) -> bool:
    """Return whether a job without an answer is found again without an admin."""
    return model in ACCOUNTS and ACCOUNTS[model].finds and marks(prompt)["list"] != "never"


def allowed(model: str, prompt: str) -> set[str]:
    """Return the ends that a task may have without its owner's doing: `completed`, or the code of a failure."""
    account, said = ACCOUNTS[model], marks(prompt)
    if said["answer"] == "refused":
        ends = {"rejected_by_provider"}
    else:
        ends = {"completed" if said["end"] == "done" else "generation_failed"}
    if model == "twin":
        # Whoever of two tasks is given the job of the other, has that one's end, or none.
        ends |= {"completed", "generation_failed", "submit_unknown"}
    return ends | ({"submit_unknown"} if account.fails else set())
