"""The certificate as the command prints it."""

import json

import pytest

WRAPPED = """
from contextlib import asynccontextmanager

import msgspec

from fillbridge_hooks import NotSent, hookimpl


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    deaf: bool = False


class Deaf:
    def __init__(self, driver):
        self.capabilities = driver.capabilities
        self.driver = driver

    @asynccontextmanager
    async def connect(self, terms):
        async with self.driver.connect(terms) as session:
            async def cancel(client_order_id):
                return NotSent(client_order_id, "deaf", 0)
            session.cancel = cancel
            yield session


@hookimpl
def fillbridge_register_settings(register):
    register("deafness", Settings)


@hookimpl
def fillbridge_wrap_driver(driver, settings):
    return Deaf(driver) if settings.deaf else None
"""
SILENT = """
from fillbridge_hooks import Capabilities, hookimpl


class Driver:
    capabilities = Capabilities()

    def connect(self, terms):
        raise NotImplementedError


@hookimpl
def fillbridge_register_drivers(register):
    register("silent", Driver())
"""


@pytest.mark.parametrize("driver", ["sim", "sim-bracket", "sim-remote", "sim-remote-bracket"])
def test_the_simulated_broker_has_its_certificate(fillbridge, driver):
    ran = fillbridge("conformance", "--driver", driver, "--json")

    assert ran.returncode == 0, ran.stderr
    certificate = json.loads(ran.stdout)
    outcomes = [test["outcome"] for test in certificate["tests"]]
    assert certificate["driver"] == driver
    assert certificate["capabilities"]["bracket"] is driver.endswith("-bracket")
    assert certificate["failed"] == 0
    assert certificate["passed"] == outcomes.count("passed") > 75
    assert (
        certificate["skipped"]
        == outcomes.count("skipped")
        == len(outcomes) - outcomes.count("passed")
    )
    assert set(certificate["tests"][0]) == {"id", "group", "demand", "outcome", "reason"}
    skipped = [test for test in certificate["tests"] if test["outcome"] == "skipped"]
    assert all(test["reason"].endswith(" is not declared") for test in skipped)


def test_a_table_shows_the_same(fillbridge):
    ran = fillbridge("conformance", "--driver", "sim")

    assert ran.returncode == 0
    assert "EX-010" in ran.stdout
    assert "EX-1190" in ran.stdout
    assert "bracket is not declared" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "80 passed, 0 failed, 12 skipped"


def test_what_wraps_a_driver_by_the_configuration_is_examined_with_it(fillbridge, install, inputs):
    install("deafness", WRAPPED)
    (inputs / "deaf.yaml").write_text("execution_handler:\n  deafness: {deaf: true}\n")

    alone = fillbridge("conformance", "--driver", "sim", "--json")
    wrapped = fillbridge("conformance", "--driver", "sim", "--config", "deaf.yaml", "--json")

    assert alone.returncode == 0
    assert wrapped.returncode == 1
    failed = {
        test["id"]: test["reason"]
        for test in json.loads(wrapped.stdout)["tests"]
        if test["outcome"] == "failed"
    }
    assert "expected Sent, was NotSent" in failed["EX-410"]


def test_an_unknown_driver_is_bad_input(fillbridge):
    ran = fillbridge("conformance", "--driver", "nope")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Error: --driver: expected one of 'rithmic', 'sim', ")
    assert ran.stderr.endswith(" (installed), was 'nope'\n")


def test_a_driver_without_a_broker_of_its_own_is_bad_input(fillbridge, install):
    install("silent", SILENT)

    ran = fillbridge("conformance", "--driver", "silent")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--driver: expected one that brings a broker to rehearse with" in ran.stderr


def test_a_configuration_that_cannot_be_used_is_bad_input(fillbridge, inputs):
    (inputs / "bad.yaml").write_text("execution_handler:\n  nonsense: 1\n")

    ran = fillbridge("conformance", "--driver", "sim", "--config", "bad.yaml")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "nonsense" in ran.stderr
