import re

import msgspec

from fillbridge_rithmic.gateway.codec import layouts
from fillbridge_rithmic.gateway.control.requests import Request
from fillbridge_rithmic.gateway.faults import FAULTS
from fillbridge_rithmic.gateway.requests.registry import carried_out


def test_every_fault_request_and_wish_is_documented(repository):
    page = (repository / "docs" / "rithmic-gateway.md").read_text()
    assert [name for name, does in FAULTS.items() if f"| `{name}` | {does} |" not in page] == []
    tags = [each.tag for each in msgspec.inspect.type_info(Request).types]
    assert [tag for tag in tags if f"`{tag}`" not in page] == []
    requests = page.split("## The control socket")[0]
    numbers = [int(number) for number in re.findall(r"\b\d{2,4}\b", requests)]
    assert [template for template in carried_out() if template not in numbers] == []


def test_every_request_of_the_table_is_carried_out():
    known = {number for number, (title, _) in layouts().items() if title.startswith("Request")}
    assert known - set(carried_out()) == {10, 16}
