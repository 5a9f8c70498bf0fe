"""Places where a kill is most likely to show a broken promise, with the clients that would notice."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from filmgate.faults import Point
from tests.kill.chaos import Chaos


class Scenario(NamedTuple):
    """Where the service is killed, what its clients do meanwhile, and the kinds of broken promises to look for.

    An empty fault is a kill at a random moment.
    """

    faults: tuple[str, ...]
    acts: tuple[str, ...]
    kinds: frozenset[str]
    backups: bool = False


KILLS = 2
"""Kills of each scenario; a bug that it is for shows at the first or second."""

_PAID = ("unkeyed paid", "paid", "look")
_TWICE = frozenset({"submits at the wire doubled", "unknown outcomes repeated"})
_LOST = frozenset({"lost", "lost in group commits"})
_FOREIGN = frozenset({"foreign visible", "imports wrong"})
SCENARIOS = {
    "submit answered": Scenario((f"{Point.PROVIDER_ANSWERED}:1",), _PAID, _TWICE),
    "submits at random": Scenario(("",), _PAID, _TWICE),
    "before the commit": Scenario((f"{Point.SUBMIT_READY}:3",), ("unkeyed",), _LOST),
    "in a group": Scenario((f"{Point.GROUP_BEGUN}:2", f"{Point.GROUP_BEGUN}:3"), ("burst",), _LOST),
    "accepted, not answered": Scenario((f"{Point.SUBMIT_ACCEPTED}:1",), ("quick",), frozenset({"doubled"})),
    "webhook sent": Scenario((f"{Point.WEBHOOK_SENT}:1",), ("quick",), frozenset({"webhook ids wrong"})),
    "end committed": Scenario((f"{Point.STAGE_DONE}:1",), ("quick",), frozenset({"webhooks missing"})),
    "foreign imports": Scenario(("",), ("gate", "foreign"), _FOREIGN),
    "deleted imports": Scenario(("",), ("gate", "delete end", "grave"), _FOREIGN),
    "files of ended tasks": Scenario((f"{Point.STAGE_DONE}:1",), ("scripted",), frozenset({"files wrong"})),
    "cancels": Scenario(("",), ("marked", "cancel", "delete"), frozenset({"recalls missing"})),
    "foreign queries": Scenario(("",), ("quick", "foreign"), _FOREIGN),
    "backups": Scenario((f"{Point.STAGE_DONE}:2",), ("scripted",), frozenset({"backups wrong"}), backups=True),
}


def find_broken(folder: Path, scenario: Scenario, seed: int = 1, kills: int = KILLS) -> dict[str, list[str]]:
    """Kill a service as a scenario says, up to the first broken promise; return what was wrong, by its kind."""
    with Chaos(folder, seed, acts=scenario.acts) as chaos:
        chaos.patience = 40.0
        for _ in range(kills):
            chaos.suffer(1, faults=scenario.faults)
            if not chaos.broken & scenario.kinds:
                chaos.look_at_everything()
            if scenario.backups:
                chaos.backups.begin()
                chaos.backups.check()
            if chaos.broken & scenario.kinds:
                break
        return {kind: found for kind, found in chaos.history.wrong.items() if found}
