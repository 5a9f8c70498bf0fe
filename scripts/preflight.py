"""Print what this machine lacks before anything is installed. Runs on any Python 3."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Filmgate needs Python 3.11 or newer, this is %d.%d. Name another with: make run PYTHON=python3.13"
        % sys.version_info[:2]
    )

try:
    import ensurepip  # noqa: F401 - only looked for
    import venv  # noqa: F401 - only looked for
except ImportError:
    sys.exit("Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv")
