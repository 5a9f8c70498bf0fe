"""Which hosts are served: by the names of a compose file, in a network, from a container, and for probes of health."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.support.service import RunningService

from .apis import READS, SUBMITS, form_for, form_of, message_of
from .conftest import client, exchange
from .test_service_start import refused

Start = Callable[..., RunningService]
LAN = "10.77.0.5"
NETWORK = (
    "ip link set lo up && ip link add lan0 type veth peer name lan1 && ip link set lan1 up && "
    f'ip addr add {LAN}/24 dev lan0 && ip link set lan0 up && ip route add default dev lan0 && exec "$@"'
)
ASK = """
import http.client, json, sys
found = {}
for address, host in json.loads(sys.argv[2]):
    connection = http.client.HTTPConnection(address, int(sys.argv[1]), timeout=20)
    connection.request("GET", "/ping", headers={"Host": host})
    found[host] = connection.getresponse().status
print(json.dumps(found))
"""


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "host",
    [
        *("Host: filmgate:8484", "Host: 10.1.2.3:8484", "Host: [fd00::5]:8484", "Host: [::1]", "Host: FILMGATE."),
        *("Host: a b", "Host: ///", "Host: \xff\xfe", "Host: evil.example:99999", "Host:", "host:\tx@y"),
    ],
)
def test_probes_may_name_any_host(service: RunningService, path: str, method: str, host: str):
    """Those who probe for health know an address, not a name: every Host is answered, and so is none in HTTP/1.0."""
    for version, line in (("1.1", f"{host}\r\n"), ("1.0", f"{host}\r\n"), ("1.0", "")):
        request = f"{method} {path} HTTP/{version}\r\n{line}Connection: close\r\n\r\n"
        assert exchange(service, request.encode("latin-1")).startswith(b"HTTP/1.1 200 "), (version, line)


def test_only_probes_may_name_any_host(service: RunningService):
    """Other paths are refused by such a name, those that look like a probe's too; HTTP/1.1 has to name a host."""
    for path in ("/healthz/", "/healthz/x", "/ping", "/metrics", "/openapi.json", "/docs"):
        request = f"GET {path} HTTP/1.1\r\nHost: filmgate:8484\r\nConnection: close\r\n\r\n"
        assert exchange(service, request.encode()).startswith(b"HTTP/1.1 400 "), path
    for path in ("/healthz", "/ping"):
        request = f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n"
        assert exchange(service, request.encode()).startswith(b"HTTP/1.1 400 "), path


@pytest.mark.parametrize("host", ["filmgate:8484", "192.168.1.5:8484", "host.docker.internal:8484"])
def test_a_refusal_is_in_the_form_of_the_dialect(http: httpx2.Client, host: str):
    """Whoever is not served by this name learns, in the form that his client reads, what to add and where."""
    for name, request in SUBMITS.items():
        answer = request.send(http, headers={"Host": host})
        assert answer.status_code == 400
        assert form_of(answer) == form_for(name)
        assert f"add {host.partition(':')[0]} to FILMGATE_ALLOWED_HOSTS" in message_of(answer)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for read in READS.values():
        assert read("x" * 36).send(http, headers={"Host": host}).status_code == 400


def test_hosts_that_were_added(start_service: Start):
    """A name of a compose file, of a container's host and of a domain are served once they are allowed."""
    service = start_service(
        host="0.0.0.0", allowed_hosts="filmgate, Host.Docker.Internal, *.films.example, [fd00::5]:8484"
    )
    told = "".join(service.lines)
    assert "localhost" in told
    assert "filmgate, Host.Docker.Internal, *.films.example, [fd00::5]:8484 (allowed_hosts)" in told
    assert "FILMGATE_ALLOWED_HOSTS=" in told
    url = f"http://127.0.0.1:{service.url.rpartition(':')[2]}"
    with httpx2.Client(base_url=url, headers=service.headers) as http:
        good = ("filmgate:8484", "FILMGATE", "host.docker.internal:1", "a.films.example", "[FD00::5]:8484", "localhost")
        for host in good:
            answer = http.post("/api/v1/tasks", json={"prompt": "x [fail]"}, headers={"Host": host})
            assert answer.status_code == 201, answer.text
        for host in ("films.example", "[fd00::5]:8485", "filmgate.evil.example", "192.0.2.77"):
            assert http.get("/api/v1/me", headers={"Host": host}).status_code == 400


def test_nothing_is_said_of_hosts_on_loopback(service: RunningService):
    """Where nobody else can come, there is nothing to say."""
    assert "FILMGATE_ALLOWED_HOSTS" not in "".join(service.lines)


def test_an_address_in_the_network(tmp_path: Path):
    """Bound to every address, the service is served by each of this machine's, and by nobody else's."""
    tools = all(map(shutil.which, ("unshare", "nsenter", "ip")))
    if os.geteuid() != 0 or not tools or subprocess.run(["unshare", "--net", "true"], check=False).returncode:
        pytest.skip("it takes root, unshare, nsenter and ip to have a network of its own; the rule is tested without")
    service = RunningService(tmp_path / "data", host="0.0.0.0")
    service.prefix = ["unshare", "--net", "sh", "-c", NETWORK, "sh"]
    service.start()
    try:
        port = service.url.rpartition(":")[2]
        good, bad = [(LAN, f"{LAN}:{port}"), ("127.0.0.1", LAN)], ["10.77.0.6", "10.77.0.255", "224.0.0.1"]
        found = within(service, [*good, *((LAN, host) for host in bad)])
    finally:
        assert service.stop() == 0
    assert found == {host: 200 for _, host in good} | dict.fromkeys(bad, 400)
    assert f"the addresses of this machine ({LAN})" in "".join(service.lines)


def within(service: RunningService, asked: list[tuple[str, str]]) -> dict[str, int]:
    """Ask from within the service's own network, at an address and by a host; give the status for each host."""
    assert service.process is not None
    enter = ["nsenter", "--net", "--target", str(service.process.pid), sys.executable, "-c", ASK]
    done = subprocess.run(
        [*enter, service.url.rpartition(":")[2], json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    statuses: dict[str, int] = json.loads(done.stdout)
    return statuses


def test_the_address_it_is_bound_to(start_service: Start):
    """Bound to one address, the service is served by that one, and what it prints can be dialled."""
    service = start_service(host="127.0.0.2")
    assert service.url.startswith("http://127.0.0.2:")
    with client(service) as http:
        assert http.get("/ping").status_code == 200


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"allowed_hosts": "good.lan, https://video.example.com/films"}, 'write "video.example.com"'),
        ({"allowed_hosts": "films.lan/path"}, 'write "films.lan"'),
        ({"allowed_hosts": "fi*lms"}, '"*.example.com"'),
        ({"public_url": "video.example.com"}, "https://video.example.com"),
        ({"public_url": "https://video.example.com/?a=b"}, "query or fragment"),
        ({"public_url": "https://video.example.com/a/../b"}, "path that clients would change"),
    ],
)
def test_what_could_never_match_stops_the_start(tmp_path_factory: pytest.TempPathFactory, options: dict, advice: str):
    """An entry that no Host could ever be, and an address no link can begin with, are named with the right form."""
    done = refused(tmp_path_factory.mktemp("refused") / "data", **options)
    assert done.returncode != 0
    assert next(iter(options)) in done.stderr.lower()
    assert advice in done.stderr
