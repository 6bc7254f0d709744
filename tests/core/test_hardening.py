"""What a run forbids to others; in a process of its own, for none of it can be taken back."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json
from fillbridge.hardening import core_limit, forbid_core_dumps, forbid_inspection, is_dumpable
before = is_dumpable()
print(json.dumps([forbid_core_dumps(), core_limit(), before, forbid_inspection(), is_dumpable()]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is asked of Linux")
def test_no_image_of_the_memory_and_no_look_into_it():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == [True, 0, True, True, False]


def test_elsewhere_nothing_is_known(monkeypatch):
    from fillbridge import hardening

    monkeypatch.setattr("sys.platform", "darwin")
    assert (hardening.forbid_inspection(), hardening.is_dumpable()) == (False, None)


def test_a_limit_that_cannot_be_set(monkeypatch):
    from fillbridge import hardening

    def refuse(*arguments):
        raise ValueError

    monkeypatch.setattr("resource.setrlimit", refuse)
    assert hardening.forbid_core_dumps() is False
