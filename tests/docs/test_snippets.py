"""The snippets of the pages run, and print what the pages show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.service import RunningService

from .pages import USER_PAGES, name_of
from .session import FILED, NEEDS, RUN, blocks, matches, run_page

NAMES = [name_of(path) for path in USER_PAGES]
WITH_CODE = [name for name in NAMES if any(each.language in RUN and not each.reason for each in blocks(name))]


@pytest.mark.parametrize("name", WITH_CODE)
def test_a_page_runs(name: str, service: RunningService, tmp_path: Path):
    """The blocks of a page succeed in their order, and print what the page shows."""
    for language in {each.language for each in blocks(name)} & NEEDS.keys():
        if shutil.which(NEEDS[language]) is None:
            pytest.skip(f"{NEEDS[language]} is not installed")
    for shown, printed in run_page(name, service, tmp_path):
        assert matches(shown.output, printed), f"{shown.block.where}: {shown.command}\n{printed}"


@pytest.mark.parametrize("name", NAMES)
def test_blocks_say_what_they_are(name: str):
    """Each block has a language that is tested, and a reason in words if it is not run."""
    for block in blocks(name):
        assert block.language in RUN | FILED, block.where
        assert block.reason is None or len(block.reason.split()) >= 4, block.where
        if block.language == "json":
            assert json.loads(block.text), block.where


def test_clients_are_shown():
    """The SDKs, curl, the client and the command line are all shown and run."""
    text = "\n".join(each.text for name in WITH_CODE for each in blocks(name) if not each.reason)
    for word in ("AceDataCloud(", "LumaAI(", "OpenAI(", "curl ", "Filmgate(", "filmgate generate", "filmgate serve"):
        assert word in text


def test_output_that_differs_is_noticed():
    """Only what `…` stands for may differ."""
    assert matches("a … c\n…\nend", "a b c\nx\ny\nend\n")
    assert not matches("a … c", "a b d")
