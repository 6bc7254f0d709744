"""The doctor on the command line."""

import json


def test_its_findings_as_a_document_and_as_a_table(fillbridge):
    done = fillbridge("doctor", "--json")
    document = json.loads(done.stdout)
    statuses = {one["check"]: one["status"] for one in document["findings"]}
    assert (done.returncode, document["is_fit"]) == (0, True)
    assert {"python", "sqlite", "clock", "disk", "journal", "plugins", "secrets"} <= set(statuses)
    shown = fillbridge("doctor")
    assert shown.returncode == 0
    assert "checks: 0 failed" in shown.stdout


def test_what_fails_is_an_exit_code(fillbridge, inputs):
    (inputs / "prod.yaml").write_text(
        "execution_handler: {mode: live, live_settings: {environment: prod}}"
    )
    done = fillbridge("doctor", "--config", "prod.yaml", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["is_fit"]) == (1, False)
    (plugins,) = [one for one in document["findings"] if one["check"] == "plugins"]
    assert plugins["status"] == "fail"
    assert plugins["advice"] == "fillbridge plugins lock --config prod.yaml"


def test_a_plugin_that_was_changed_is_found(fillbridge, inputs):
    fillbridge("plugins", "lock")
    lock = json.loads((inputs / "plugins.lock").read_text())
    lock["plugins"][0]["record"] = "0"
    (inputs / "plugins.lock").write_text(json.dumps(lock))
    done = fillbridge("doctor", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"][0]["check"] == "loading plugins"
