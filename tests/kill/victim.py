"""The service that is killed: as users start it, or forked from one that has imported everything already."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time
from pathlib import Path

from filmgate.faults import TRACE, VARIABLE
from tests.kill.hatchery import Hatched, Hatchery
from tests.service.receiver import free_port
from tests.support.service import START_DEADLINE, RunningService


class Victim(RunningService):
    """A service at one port whose starts can be told what to die of."""

    def __init__(self, hatchery: Hatchery, data: Path, **options: str) -> None:
        port = free_port()
        super().__init__(data, port=str(port), **options)
        self._hatchery = hatchery
        self.url = f"http://127.0.0.1:{port}"
        self.trace = data.with_name("trace")

    @property
    def died(self) -> bool:
        """Whether it has ended by itself."""
        return self.process is None or self.process.poll() is not None

    def hatch(self, fault: str = "") -> bool:
        """Start it with a fault, and wait until it serves; False if it died before."""
        self.env |= {VARIABLE: fault, TRACE: str(self.trace)}
        self.process = self._hatchery.hatch(self.env, self.data.parent, self.log)  # type: ignore[assignment]
        deadline = time.monotonic() + START_DEADLINE
        while not self._serves():
            if self.died:
                return False
            assert time.monotonic() < deadline, f"it does not serve:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.01)
        return True

    def end(self, *, children: bool) -> int:
        """Kill it, with all its children or alone, if it is not dead already; gives the process's number."""
        process = self.process
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if children else process.send_signal(signal.SIGKILL)
        process.wait(30)
        self.process = None
        return process.pid

    def _serves(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", int(self.env["FILMGATE_PORT"]), timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


__all__ = ["Hatched", "Victim"]
