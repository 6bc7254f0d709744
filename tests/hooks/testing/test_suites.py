"""A kit as its user sees it: ids, skips, failures that explain themselves, no way to cheat."""

import subprocess
import sys
import textwrap

import pytest

from fillbridge_hooks.testing import DRIVER_REQUIREMENTS, DriverConformance

pytest_plugins = ["pytester"]

HEADER = """
import pytest
from fillbridge_hooks import Capabilities
from fillbridge_hooks.testing import DriverConformance
from tests.hooks.testing.broken import CAUGHT_BY
from tests.hooks.testing.honest import HonestDriver, rehearse
"""
GUARD = "test_every_requirement_stands"
EX_450 = "test_EX_450_an_unknown_order_cannot_be_cancelled"


@pytest.fixture
def run(pytester):
    """Run a suite that a stranger wrote, in a directory of its own."""

    def run(body, *options):
        pytester.makepyfile(test_driver=HEADER + textwrap.dedent(body))
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rsfx", *options)

    return run


def test_a_few_lines_give_every_test_twice(run):
    result = run(
        """
        class TestTheirs(DriverConformance):
            def rehearse(self):
                return rehearse()
        """,
        "-v",
    )

    result.assert_outcomes(passed=2 * len(DRIVER_REQUIREMENTS) + 1)
    for backend in ("asyncio", "trio"):
        result.stdout.fnmatch_lines([f"*::{EX_450}?{backend}? PASSED*"])


def test_what_is_not_declared_is_skipped_and_says_so(run):
    result = run(
        """
        class TestTheirs(DriverConformance):
            def rehearse(self):
                return rehearse(capabilities=Capabilities(replace=True, partial_fills=True))
        """,
        "-k",
        "EX_5 or EX_6",
    )

    result.assert_outcomes(passed=2 * 9, skipped=2 * 11)
    result.stdout.fnmatch_lines(["*bracket is not declared*"])


def test_a_failure_says_what_was_expected(run):
    result = run(
        """
        (swallowed,) = [one for one in CAUGHT_BY if one.__name__ == "WrongSign"]

        class TestTheirs(DriverConformance):
            def rehearse(self):
                return rehearse(swallowed)
        """,
        "-k",
        "EX_270",
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*position: expected -2, was 2*"])


@pytest.mark.parametrize(
    "override",
    [
        f"async def {EX_450}(self): pass",
        f"{EX_450} = None",
        f"@pytest.mark.skip(reason='later')\n    async def {EX_450}(self): pass",
        f"@pytest.mark.xfail\n    async def {EX_450}(self): pass",
    ],
    ids=["replaced", "deleted", "skipped", "xfail without a reason"],
)
def test_an_override_fails(run, override):
    result = run(
        f"""
class TestTheirs(DriverConformance):
    def rehearse(self):
        return rehearse()

    {override}
""",
        "-k",
        GUARD,
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*overridden without xfail and reason: TestTheirs.{EX_450}*"])


def test_an_xfail_with_a_reason_is_shown_and_stands(run):
    result = run(
        f"""
        (broken,) = [one for one in CAUGHT_BY if one.__name__ == "CancelOfTheUnknownRaises"]

        class TestTheirs(DriverConformance):
            def rehearse(self):
                return rehearse(broken)

            @pytest.mark.anyio
            @pytest.mark.xfail(reason="the broker is silent about ids that it does not know")
            async def {EX_450}(self):
                await DriverConformance.{EX_450}(self)
        """,
        "-k",
        f"{GUARD} or EX_450",
    )

    result.assert_outcomes(passed=1, xfailed=2)
    result.stdout.fnmatch_lines(["*the broker is silent about ids*"])


def test_the_guard_itself_cannot_be_replaced():
    with pytest.raises(TypeError, match="test_every_requirement_stands"):
        type("TestTheirs", (DriverConformance,), {GUARD: lambda self: None})


def test_a_suite_without_a_broker_says_what_is_missing(run):
    result = run(
        """
        class TestTheirs(DriverConformance):
            pass
        """,
        "-k",
        "EX_010",
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*TestTheirs: expected rehearse(), was left out*"])


def test_every_test_explains_itself():
    for one in DRIVER_REQUIREMENTS:
        name = f"test_{one.id.replace('-', '_')}_{one.name}"
        text = getattr(DriverConformance, name).__doc__
        assert text.startswith(f"{one.id}: ")
        assert "If this fails, " in text


def test_the_command_needs_no_pytest():
    program = "import sys, fillbridge_hooks.testing; print('pytest' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert ran.stdout.split() == [b"False"]
