"""What goes on beside the clients: an admin who decides about unknown outcomes, and backups of the running service."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from filmgate.faults import VARIABLE
from tests.kill import tricks
from tests.kill.hatchery import Hatched, Hatchery
from tests.kill.history import History, Order
from tests.kill.victim import Victim
from tests.kill.wirelog import Wire
from tests.support.files import files_below

_KEPT = 4
"""Backups that are restored in the end; of the others the oldest goes."""


class Admin:
    """Decides about submits of an unknown outcome, by what the provider's bill says."""

    def __init__(self, history: History, wire: Wire, http: httpx2.Client) -> None:
        self._history = history
        self._wire = wire
        self._http = http
        self._seen: set[str] = set()
        self.decided: Counter[str] = Counter()

    def held(self) -> set[str]:
        """Return the tasks whose submit has an unknown outcome."""
        answer = self._http.get("/api/v1/admin/unknown")
        held = {str(each["id"]) for each in answer.json()["submits"]}
        for order in self._history.open():
            order.held = order.id in held
        return held

    def decide(self) -> None:
        """Decide about those that were unknown before: what was sent for them has arrived by now, if it ever will."""
        held = self.held()
        ripe = held & self._seen
        self._seen = held
        orders = {str(order.id): order for order in self._history.known()}
        for task_id in sorted(ripe & orders.keys()):
            self._decide(orders[task_id])

    def _decide(self, order: Order) -> None:
        submits = self._wire.submits().get(order.prompt)
        decisions: list[dict[str, Any]]
        if submits is not None and submits.jobs:
            if tricks.findable(order.model, order.prompt):
                return  # nobody has to decide about these
            # Unless the provider has given this job's number to another task, or that of another to this one.
            decisions = [{"decision": "accepted", "upstream_id": submits.jobs[0]}, {"decision": "fail"}]
        else:
            decisions = [{"decision": "submit_again"}]
        for decision in decisions:
            answer = self._http.post(f"/api/v1/admin/unknown/{order.id}", json=decision)
            if answer.status_code == 200:
                self.decided[decision["decision"]] += 1
                return
            if answer.status_code not in (404, 409):
                self._history.blame("answers wrong", f"decision: {answer.status_code} {answer.text}")
            if order.model != "twin":
                return  # A look-up may have come to a decision in this moment.


class _Backup(NamedTuple):
    """A backup: where, and which tasks were known before it was begun."""

    folder: Path
    process: Hatched
    tasks: Mapping[str, frozenset[str]]


class Backups:
    """Makes backups of the folder while its service is used and killed, and restores some in the end."""

    def __init__(self, folder: Path, hatchery: Hatchery, victim: Victim, history: History) -> None:
        self._folder = folder / "backups"
        self._folder.mkdir()
        self._hatchery = hatchery
        self._victim = victim
        self._history = history
        self._number = 0
        self._running: _Backup | None = None
        self._done: list[_Backup] = []
        self.made = 0

    def begin(self, fault: str = "") -> None:
        """Begin a backup, unless one is being made."""
        if self._running is not None and self._running.process.poll() is None:
            return
        self.settle()
        self._number += 1
        target = self._folder / f"backup-{self._number}"
        known = {app: frozenset(str(each.id) for each in self._history.known(app)) for app in ("first", "second")}
        process = self._run("backup", str(target), data=self._victim.data, fault=fault)
        self._running = _Backup(target, process, known)

    def kill(self) -> None:
        """Kill the one that is being made: nothing may be left that looks like a backup."""
        if self._running is not None and self._running.process.poll() is None:
            self._running.process.kill()

    def settle(self) -> None:
        """Wait for the one that is being made."""
        running, self._running = self._running, None
        if running is None:
            return
        status = running.process.wait(120)
        if status == 0:
            self.made += 1
            self._done.append(running)
            while len(self._done) > _KEPT:
                shutil.rmtree(self._done.pop(0).folder)
        elif status > 0:
            self._history.blame("backups wrong", f"{running.folder.name}: exit status {status}")
        elif running.folder.exists():
            # It was killed when it had its name: it must be as good as any.
            self._done.append(running)

    def check(self) -> None:
        """Restore what is kept: it opens, and has every task and file that was there before it was begun."""
        self.settle()
        deleted = {str(order.id) for order in self._history.orders if order.dropped}
        for backup in self._done:
            data = self._folder / f"{backup.folder.name}-restored"
            status = self._run("restore", str(backup.folder), data=data).wait(120)
            if status != 0:
                self._history.blame("backups wrong", f"{backup.folder.name}: cannot be restored: {status}")
                continue
            self._compare(backup, data, deleted)
            if backup is self._done[-1]:
                self._open(data, backup.tasks["first"] - deleted)
            shutil.rmtree(data)

    def _compare(self, backup: _Backup, data: Path, deleted: set[str]) -> None:
        with sqlite3.connect(f"file:{data}/filmgate.db?mode=ro", uri=True) as ledger:
            whole = ledger.execute("PRAGMA integrity_check").fetchone()[0]
            ids = {str(row[0]) for row in ledger.execute("SELECT id FROM tasks")}
            keys = {str(row[0]) for row in ledger.execute("SELECT key FROM media")}
        ledger.close()
        missing = frozenset().union(*backup.tasks.values()) - ids - deleted
        files = {path.relative_to(data / "media").as_posix() for path in files_below(data / "media")}
        if whole != "ok" or missing or keys - files:
            what = f"{whole}, {len(missing)} tasks and {len(keys - files)} files are missing: {sorted(missing)[:3]}"
            self._history.blame("backups wrong", f"{backup.folder.name}: {what}")

    def _open(self, data: Path, tasks: Iterable[str]) -> None:
        """Start a service with it, that reaches neither the provider nor a receiver."""
        away = {"engines": tables("http://127.0.0.1:9"), "allow_networks": "", "max_unfinished": "0"}
        copy = Victim(self._hatchery, data, **away)
        copy.env |= {"CHAOS_KEY": "unused"}
        assert copy.hatch(), copy.log.read_text()[-4000:]
        with httpx2.Client(base_url=copy.url, headers=copy.headers, timeout=20) as http:
            for task_id in list(tasks)[:20]:
                if http.get(f"/api/v1/tasks/{task_id}").status_code != 200:
                    self._history.blame("backups wrong", f"{data.name}: does not know {task_id}")
        assert copy.stop() == 0

    def _run(self, *command: str, data: Path, fault: str = "") -> Hatched:
        env = self._victim.env | {"FILMGATE_DATA": str(data), VARIABLE: fault}
        return self._hatchery.hatch(env, self._folder, self._folder / "log", run=command)


def tables(url: str) -> str:
    """Return the engines of the service: those of its own, and the accounts with the provider at an address."""
    engines: dict[str, dict[str, object]] = {
        "scripted": {"type": "scripted", "models": ["*"], "slots": 8},
        "hasty": {"type": "scripted", "models": ["hasty"], "deadline": 0.5},
        "studio": {"type": "studio", "models": ["studio"]},
    }
    for name, account in tricks.ACCOUNTS.items():
        engines[name] = {
            "type": account.type,
            "base_url": f"{url}/{name}",
            "key_env": "CHAOS_KEY",
            "models": ["busy" if name == "spare" else name],
            "poll": 0.2,
            "poll_max": 0.5,
            "timeout": 10,
            **account.table,
        }
    for name in ("marked", "gate"):
        engines[name]["adopt_for"] = "second"
    return json.dumps(engines)
