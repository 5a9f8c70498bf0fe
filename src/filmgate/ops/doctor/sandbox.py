"""Checks of the process that opens external files, by what code could do that takes it over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from filmgate.adapters.decode.messages import PROBE, ChildLimits, SandboxLayer, SandboxOperation
from filmgate.adapters.decode.probe import POSSIBLE, WORKS, ProbeReport, ProbeTargets
from filmgate.adapters.decode.sandbox import Sandbox, regular_file
from filmgate.domain.errors import FilmgateError
from filmgate.domain.settings import MIB, Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.process import Running

_CHECK = "sandbox"
_LIMITS = ChildLimits(memory=3072 * MIB, cpu=30, wall=60, file=MIB)
_VICTIM = "import sys; sys.stdin.read()"
_USER_NAMESPACES = (
    "Allow unprivileged user namespaces: the sysctl kernel.apparmor_restrict_unprivileged_userns=0 or"
    " kernel.unprivileged_userns_clone=1, and for a container a seccomp profile that allows unshare."
)
_LANDLOCK = "Run a kernel from {} on with Landlock in its list of security modules (lsm=landlock,…)."
_MISSING = {
    SandboxLayer.NETWORK: ("Only the filter of system calls keeps a decoder from the network.", _USER_NAMESPACES),
    SandboxLayer.MOUNTS: (
        "A decoder cannot open files of others, but sees which there are, how large they are, and their dates.",
        _USER_NAMESPACES + " The kernel must be 5.12 or later.",
    ),
    SandboxLayer.LANDLOCK: ("One wall less is between a decoder and the files of others.", _LANDLOCK.format("5.13")),
    SandboxLayer.SCOPES: (
        "Only the filter of system calls keeps a decoder from signals to others and abstract sockets.",
        _LANDLOCK.format("6.12"),
    ),
    SandboxLayer.SECCOMP: (
        "A decoder can change modes of files, connect to Unix sockets, fork, and use every call of the kernel.",
        "Install libseccomp (Debian and Ubuntu: libseccomp2, others: libseccomp), on a kernel with seccomp filters.",
    ),
}


class SandboxExamination(msgspec.Struct, frozen=True):
    """What the attempts from inside came to, and the layers that were missing."""

    report: ProbeReport
    missing: list[SandboxLayer]

    @property
    def layers(self) -> dict[str, str]:
        """Return a finding for every layer."""
        return {layer.value: "missing" if layer in self.missing else "on" for layer in SandboxLayer}

    @property
    def open_walls(self) -> list[str]:
        """List the attempts that did not fail."""
        return [name for name, outcome in self.report.walls.items() if outcome.startswith(POSSIBLE)]


def sandbox(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Try from inside a decoder what an attacker would try."""
    yield from look_at_sandbox(settings)[1]


def look_at_sandbox(settings: Settings) -> tuple[SandboxExamination | None, list[Finding]]:
    """Try from inside a decoder what an attacker would try; return what came of it, and what that means."""
    try:
        examined = asyncio.run(examine_sandbox(settings))
    except (FilmgateError, OSError) as error:
        return None, [_broken(error)]
    return examined, list(sandbox_findings(examined))


def sandbox_findings(examined: SandboxExamination) -> Iterator[Finding]:
    """Return what the examination means."""
    for layer in examined.missing:
        why, do = _MISSING[layer]
        yield warning(_CHECK, f"decoders run without {layer}", why, do)
    if unmet := [name for name, outcome in examined.report.needs.items() if outcome != WORKS]:
        yield problem(
            _CHECK, f"a decoder is refused what it needs: {', '.join(unmet)}",
            "External files, and finished clips, may not be decoded.", "Report it, with your kernel and C library.",
        )  # fmt: skip
    if opened := examined.open_walls:
        found = f"from inside a decoder is possible: {', '.join(opened)}"
        why = "A file that takes over its decoder could do that to this machine."
        if examined.missing:
            yield warning(_CHECK, found, why, "Correct what is missing above.")
        else:
            yield problem(_CHECK, found, why, "Look whether a folder of Python (PYTHONPATH) holds the data; report it.")
    elif not unmet:
        yield ok(_CHECK, f"a decoder is refused all {len(examined.report.walls)} things an attacker would try")


async def examine_sandbox(settings: Settings) -> SandboxExamination:
    """Run the attempts in a decoder and check from outside that they failed. Raises FilmgateError, OSError.

    What is attacked is made for it. Of the data folder, where there is one, the ledger is looked at and not changed.
    """
    with _Targets() as targets, tempfile.TemporaryDirectory(prefix="filmgate-doctor-") as name:
        source = Path(name) / "targets"
        source.write_bytes(msgspec.json.encode(targets.describe(settings.data)))
        decoder = Sandbox()
        try:
            async with decoder.perform(SandboxOperation.PROBE, source, Path(name), _LIMITS) as (box, _):
                report = msgspec.json.decode(regular_file(box / PROBE).read_bytes(), type=ProbeReport)
        finally:
            await decoder.close()
        felt = dict.fromkeys(targets.attacks(), POSSIBLE)
        return SandboxExamination(ProbeReport(report.walls | felt, report.needs), decoder.missing)


class _Targets(contextlib.ExitStack):
    """A process, a file and addresses that are there to be attacked."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="filmgate-doctor-")))
        self.file = self.folder / "ledger"
        self.file.touch(0o600)
        self.before = self.file.stat()
        self.abstract = f"filmgate-doctor-{secrets.token_hex(8)}"
        self.tcp = self._listen(socket.AF_INET, ("127.0.0.1", 0))
        self.unix = self._listen(socket.AF_UNIX, str(self.folder / "socket"))
        self.hidden = self._listen(socket.AF_UNIX, f"\0{self.abstract}") if sys.platform == "linux" else self.unix
        self.udp = self.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        # It ends by itself when its input does, that is with this process.
        self.process = subprocess.Popen([sys.executable, "-c", _VICTIM], stdin=subprocess.PIPE)  # noqa: S603
        self.enter_context(self.process)
        return self

    def describe(self, data: Path) -> ProbeTargets:
        """Return the targets as arguments for the decoder."""
        ledger = data.absolute() / "filmgate.db"
        file = ledger if os.access(ledger, os.R_OK) else self.file
        return ProbeTargets(
            process=self.process.pid,
            folder=str(file.parent),
            file=str(file),
            victim_file=str(self.file),
            tcp=self.tcp.getsockname()[1],
            udp=self.udp.getsockname()[1],
            socket=self.unix.getsockname(),
            abstract=self.abstract,
        )

    def attacks(self) -> Iterator[str]:
        """Name the attacks that were felt."""
        if self.process.poll() is not None:
            yield "kill the service"
        if not self.file.exists():
            yield "remove ledger"
        elif self.file.stat()[:3] != self.before[:3] or self.file.stat().st_mtime_ns != self.before.st_mtime_ns:
            yield "change ledger"
        for name, server in (("tcp", self.tcp), ("unix socket", self.unix), ("abstract socket", self.hidden)):
            with contextlib.suppress(BlockingIOError), server.accept()[0]:
                yield name
        self.udp.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(16)
            yield "udp"

    def _listen(self, family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
        server = self.enter_context(socket.socket(family, socket.SOCK_STREAM))
        server.bind(address)
        server.listen()
        server.settimeout(0)
        return server


def _broken(error: Exception) -> Finding:
    said = " ".join([str(error), *getattr(error, "__notes__", ())])
    return problem(
        _CHECK, f"no decoder could be examined: {said}", "External files, and finished clips, may not be decoded.",
        "Read the message. If it does not help, report it with the message.",
    )  # fmt: skip
