"""Write the synchronous Python client, `client/_sync.py`, from the asynchronous one, `client/_async.py`.

python scripts/sync_client.py [--check]
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[1] / "src/filmgate/client"
SOURCE = CLIENT / "_async.py"
TARGET = CLIENT / "_sync.py"
HEAD = "# Written by scripts/sync_client.py from _async.py. Change that file and run `make client`.\n"
RULES = (
    (r"The client for asyncio\.", "The client for ordinary code."),
    (r"^import asyncio\n", "import time\n"),
    (r"\bawait asyncio\.to_thread\(([\w.]+)(?:, )?", r"\1("),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\bAsyncFilmgate\b", "Filmgate"),
    (r"\bhttpx2\.AsyncClient\b", "httpx2.Client"),
    (r"\bAsync(Generator|Iterator|Iterable)\b", r"\1"),
    (r"\bGenerator\[([^\[\]]+), None\]", r"Generator[\1, None, None]"),
    (r"\basync_transport\b", "transport"),
    (r"\ba(close|closing|read|send|iter_bytes|iter_lines)\b", r"\1"),
)
"""Patterns and their replacements, applied in this order."""


def convert(source: str) -> str:
    """Return the synchronous form of the asynchronous client."""
    for pattern, replacement in RULES:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    head, end, rest = source.partition('"""\n')
    return _run_ruff(
        "format", text=_run_ruff("check", "--fix-only", "--select", "I,F401", text=head + end + HEAD + rest)
    )


def _run_ruff(*command: str, text: str) -> str:
    arguments = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(arguments, input=text, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write the file, or with `--check` exit with 1 if it differs."""
    written = convert(SOURCE.read_text("utf-8"))
    if sys.argv[1:] == ["--check"]:
        sys.exit(written != TARGET.read_text("utf-8"))
    TARGET.write_text(written, "utf-8")


if __name__ == "__main__":
    main()
