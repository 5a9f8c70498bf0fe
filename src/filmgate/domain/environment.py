"""Environment variables that begin with FILMGATE_: which are options, which are others', and which are mistyped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from filmgate.domain.suggestions import edits, nearest

PREFIX = "FILMGATE_"

CONFIG = "FILMGATE_CONFIG"
"""Names the configuration file."""

_SERVICES_OWN = frozenset({CONFIG, "FILMGATE_STUDIO_RENDERER"})
_OTHERS = frozenset({"FILMGATE_URL", "FILMGATE_API_KEY", "FILMGATE_KEY", "FILMGATE_FAULT", "FILMGATE_FAULT_TRACE"})
"""Read by clients, by examples of the documentation, and by tests."""

_NEAR = 2
"""Edits up to which an unknown variable is taken for a mistyped one."""

# What Kubernetes sets in each container for each service of the namespace, as for one that is called "filmgate".
_LINK = re.compile(r"\w+_SERVICE_HOST|\w+_SERVICE_PORT(_\w+)?|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
_LINK_ADDRESS = ("tcp://", "udp://", "sctp://")


def is_service_link(name: str, value: str) -> bool:
    """Return whether a variable, in capitals, is one that Kubernetes sets for a service."""
    return _LINK.fullmatch(name) is not None or ("_PORT" in name and value.startswith(_LINK_ADDRESS))


def strangers(environment: Mapping[str, str], options: Collection[str], known: Collection[str] = ()) -> Iterator[str]:
    """Yield a warning for each unknown variable.

    `options` are the names of the options, `known` further variables that are read. Raises ValueError for a variable
    with a name close to an option's: its value would be lost. Empty variables do not count.
    """
    named = {PREFIX + option.upper() for option in options} | _SERVICES_OWN
    fine = named | _OTHERS | {name.upper() for name in known}
    for given, value in environment.items():
        name = given.upper()
        if not name.startswith(PREFIX) or not value or name in fine or is_service_link(name, value):
            continue
        likely = nearest(name, named)
        if likely is not None and edits(name, likely) <= _NEAR:
            raise ValueError(f"{given}: there is no such option. Did you mean {likely}? Else give it another name.")
        yield f"{given} is no option of Filmgate and is ignored."
