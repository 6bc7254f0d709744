import json
import subprocess
from pathlib import Path

import pytest

from fillbridge_rithmic.gateway.codec import layouts
from fillbridge_rithmic.wire.messages import field_specs

# Published elsewhere, and unknown to the oracle.
ABSENT = {322, 323, 328, 329}


@pytest.fixture(scope="session")
def published(oracle):
    script = Path(__file__).with_name("describe.py")
    output = subprocess.run([oracle, script], check=True, capture_output=True, timeout=120).stdout
    return json.loads(output)


def of_driver():
    return {
        template: (name, {field: (number, kind) for field, number, kind in fields})
        for template, (name, fields) in field_specs().items()
    }


@pytest.mark.parametrize("table", [of_driver, layouts], ids=["driver", "gateway"])
def test_every_field_has_the_number_and_type_that_is_published(published, table):
    wrong = []
    for template, (name, fields) in table().items():
        if template in ABSENT:
            continue
        known = published["messages"].get(name)
        listed = published["templates"].get(str(template))
        if known is None or listed not in (None, name):
            wrong.append(f"{template} {name}: published as {listed}")
            continue
        for field, spec in fields.items():
            if known.get(field) != list(spec):
                wrong.append(f"{template} {name}.{field} {spec}: published as {known.get(field)}")
    assert wrong == []


@pytest.mark.parametrize("table", [of_driver, layouts], ids=["driver", "gateway"])
def test_only_what_is_not_published_is_passed_over(published, table):
    absent = {number for number, (name, _) in table().items() if name not in published["messages"]}
    assert absent <= ABSENT
