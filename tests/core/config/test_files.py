from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fillbridge.config.files import read_file
from fillbridge_hooks import ConfigurationError

NO_TRACES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read_file(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_yaml_is_version_1_2(write):
    text = "a: 1\nb: 2.5\nc: yes\nd: 17:00\ne: 010\nf: null\ng: [1, x]\n6E: {h: true}\n"
    assert read_file(write(text)) == {
        "a": 1,
        "b": 2.5,
        "c": "yes",
        "d": "17:00",
        "e": 10,
        "f": None,
        "g": [1, "x"],
        "6E": {"h": True},
    }


def test_toml(write):
    path = write('[a]\nb = 1\nc = "x"\n[a."6E"]\nd = 0.5\n', "config.toml")
    assert read_file(path) == {"a": {"b": 1, "c": "x", "6E": {"d": 0.5}}}


@pytest.mark.parametrize(
    ("name", "text"), [("c.yaml", "a: 1"), ("c.yml", "a: 1"), ("C.YAML", "a: 1"), ("c.toml", "a=1")]
)
def test_a_byte_order_mark_is_no_part_of_the_text(write, name, text):
    assert read_file(write("\ufeff" + text, name)) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- 1\n- 2\n", "expected keys and values at the top of the file"),
        ("text", "expected keys and values at the top of the file"),
        ("a: 1\nb: [1\nc: 2\n", "line 3: expected ',' or ']', but got ':'"),
        ("a:\n\t- b\n", "line 2: found character '\\t' that cannot start any token"),
        ("a: \0", "a character that YAML does not allow"),
        ("a: 1\n\na: 2\n", 'line 3: found duplicate key "a"'),
        ("a: !!python/object/apply:os.system [ls]", "line 1: the tag tag:yaml.org,2002:"),
        ("a: 1\nb: !!str 2\n", "line 2: the tag tag:yaml.org,2002:str is not allowed"),
        ("a: &x 1\n", "line 1: anchors (&) and aliases (*) are not allowed"),
        ("a: *x\n", "line 1: anchors (&) and aliases (*) are not allowed"),
        ("a: 1\n<<: {b: 1}\n", "line 2: merge keys (<<) are not allowed"),
        ("%YAML 1.1\n---\na: yes\n", "line 1: directives (%) are not allowed"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "line 1: directives (%) are not allowed"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document (---) is not allowed"),
        ("a: 2024-99-99\n", "a date or a number is out of range"),
        ("a: " + "[" * 3000 + "]" * 3000, "line 1: nested too deeply"),
    ],
)
def test_unusable_yaml(write, text, message):
    assert refusal(write(text)).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("a = 1\nb = \n", "Invalid value (at line 2, column 5)"),
        ("a = 1\na = 2\n", "Cannot overwrite a value (at line 2, column 6)"),
        ("a = " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a = " + "9" * 5000, "a date or a number is out of range"),
    ],
)
def test_unusable_toml(write, text, message):
    assert refusal(write(text, "config.toml")) == message


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("c.yaml", '  mode: "live" | "backtest"'),
        ("c.yaml", "  mode: 'live' | backtest # choose"),
        ("c.toml", 'mode = "live" | "backtest"'),
    ],
)
def test_alternatives_that_are_still_there(write, name, line):
    message = refusal(write(f"# a: b\n{line}\n", name))
    assert message.startswith("line 2: ")
    assert message.endswith("shows alternatives; write one of them")


def test_a_duplicate_key_does_not_give_its_values_away(write):
    message = refusal(write("password: hunter2\npassword: hunter3\n"))
    assert message == 'line 2: found duplicate key "password"'


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.yaml", "cannot be read: No such file or directory"),
        ("folder.yaml", "not a file"),
        ("config.ini", "expected a name that ends in .yaml, .yml or .toml"),
        ("config.py", "expected a name that ends in .yaml, .yml or .toml"),
        ("config", "expected a name that ends in .yaml, .yml or .toml"),
        ("nul\0.yaml", "cannot be read: embedded null byte"),
    ],
)
def test_a_file_that_is_none(tmp_path, name, message):
    (tmp_path / "folder.yaml").mkdir()
    assert refusal(tmp_path / name) == message


def test_text_must_be_utf_8(write):
    assert refusal(write(b"a: 1\nb: \xff\n")) == "line 2: not UTF-8 text"


def test_a_huge_file_is_refused_unread(write):
    limit = 1 << 18
    assert refusal(write(b"#" * (limit + 1))).startswith("larger than 256 KiB")
    assert refusal(write(b"#" * limit)) == "the file is empty"


@NO_TRACES
@given(
    text=st.text() | st.text(alphabet="ab:-[]{}|>&*!%#\"'@<?,~0 9._=\n\t", max_size=40),
    name=st.sampled_from(["fuzz.yaml", "fuzz.toml"]),
)
def test_any_text_is_a_mapping_or_refused(tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", errors="ignore")
    with suppress(ConfigurationError):
        assert isinstance(read_file(path), dict)
