from collections import OrderedDict
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.config import BUILT_IN, Performance, Settings, decode_settings
from fillbridge.plugins import DeclaredSection
from fillbridge_hooks import ConfigurationError, Instrument, InvalidValue, PluginError


class Speed(StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    low: float
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise InvalidValue("high", f"at least {self.low}", self.high)


class Example(msgspec.Struct, frozen=True, kw_only=True):
    count: Annotated[int, msgspec.Meta(ge=1, lt=10)] = 1
    rate: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    name: Annotated[str, msgspec.Meta(min_length=1)] = "x"
    flag: bool = False
    speed: Speed = Speed.SLOW
    choice: Literal["a", "b"] = "a"
    sizes: list[int] = []
    span: Span | None = None
    bounds: Span = Span(low=0.0)
    spans: dict[str, Span] = {}
    token: str = ""
    either: int | str = 0
    renamed: int = msgspec.field(default=0, name="given-name")
    positions: int | None = None


class Needy(msgspec.Struct, frozen=True, kw_only=True):
    needed: int


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    value: int = 0

    def __post_init__(self) -> None:
        if self.value:
            raise ValueError("only nothing will do")


def declare(struct, section="backtest_settings.example", plugin="example", **aliases):
    return DeclaredSection(plugin=plugin, section=section, struct=struct, aliases=aliases)


EXAMPLE = declare(Example, positions="performance.max_open_positions")


def refusal(mapping, *sections):
    with pytest.raises((ConfigurationError, InvalidValue)) as raised:
        decode_settings(mapping, sections)
    return str(raised.value)


# The three shapes


@pytest.mark.parametrize(
    "mapping",
    [
        {"execution_handler": {"backtest_settings": {"slippage": {"type": "linear"}}}},
        {"backtest_settings": {"slippage": {"type": "linear"}}},
        {"slippage": {"type": "linear"}},
        OrderedDict(slippage=OrderedDict(type="linear")),
    ],
)
def test_a_mapping_is_the_whole_its_inside_or_that_of_the_backtest(mapping, sections):
    settings = decode_settings(mapping, sections)
    assert settings.backtest_settings.slippage_type == "linear"
    assert settings.plugin_sections["slippage"].type == "linear"


def test_an_empty_mapping_is_all_defaults(sections):
    settings = decode_settings({}, sections)
    assert msgspec.structs.replace(settings, plugin_sections={}) == Settings()
    assert decode_settings({"execution_handler": {}}, sections) == settings
    assert settings.plugin_sections == {d.plugin: d.struct() for d in sections}


def test_a_mapping_is_copied():
    credentials = {"username": "${NAME}"}
    settings = decode_settings({"live_settings": {"credentials": credentials}})
    credentials["username"] = "changed"
    assert settings.live_settings.credentials == {"username": "${NAME}"}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"typo": 1}, "the keys 'typo' fit neither execution_handler (backtest_settings, "),
        ({"mode": "live", "symbol": "ES"}, "the keys 'mode', 'symbol' fit neither "),
        ({1: 2}, "the keys 1 fit neither "),
        ({"execution_handler": {}, "mode": "live"}, "'mode': unknown key; everything stands below"),
        ({"execution_handler": None}, "execution_handler: expected keys and values, was None"),
        ([], "execution_handler: expected keys and values, was 'a list'"),
        ("mode", "execution_handler: expected keys and values, was 'mode'"),
    ],
)
def test_a_mapping_that_fits_no_shape(mapping, message):
    assert refusal(mapping).startswith(message)


# Values


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"mode": "paper"}, "mode: expected one of 'backtest', 'live', was 'paper'"),
        ({"mode": "live | backtest"}, "mode: expected one of these alternatives, was "),
        ({"mode": "@format {env[HOME]}"}, "mode: expected text that does not begin with '@'"),
        ({"symbol": ""}, "backtest_settings.symbol: expected text that is not empty, was ''"),
        ({"symbol": 5}, "backtest_settings.symbol: expected text that is not empty, was 5"),
        ({"bar_seconds": 0}, "backtest_settings.bar_seconds: expected number > 0, was 0"),
        ({"bar_seconds": "60"}, "backtest_settings.bar_seconds: expected number > 0, was '60'"),
        ({"bar_seconds": True}, "backtest_settings.bar_seconds: expected number > 0, was True"),
        (
            {"bar_seconds": 10**400},
            "backtest_settings.bar_seconds: expected a number of at most 18",
        ),
        ({"bar_seconds": float("nan")}, "backtest_settings.bar_seconds: expected a finite number"),
        ({"bar_seconds": float("inf")}, "backtest_settings.bar_seconds: expected a finite number"),
        ({"bar_seconds": {}}, "backtest_settings.bar_seconds: Expected `float | null`"),
        ({"bar_seconds": 1j}, "backtest_settings.bar_seconds: expected text (in quotes), a number"),
        ({"performance": None}, "performance: expected keys and values, was None"),
        ({"performance": [1]}, "performance: expected keys and values, was 'a list'"),
        (
            {"performance": {"max_open_positions": 0}},
            "performance.max_open_positions: expected int >= 1, was 0",
        ),
        (
            {"performance": {"typo": 0}},
            (
                "performance.typo: unknown key, read neither by the core nor by an installed"
                " plugin; known here: max_execution_latency_ms, max_open_positions,"
                " position_timeout_hours"
            ),
        ),
        ({"slippage": {"fixed_amount": 1}}, "backtest_settings.slippage.fixed_amount: unknown key"),
        ({"performance": {"": 1}}, "performance: expected a name as key, was ''"),
        ({"performance": {" a": 1}}, "performance: expected a name as key, was ' a'"),
        (
            {"performance": {"a\x1b[31m": 1}},
            "performance: expected a name as key, was 'a\\x1b[31m'",
        ),
        ({"performance": {5: 1}}, "performance: expected a name as key, was 5"),
        ({"performance": {"dynaconf_merge": 1}}, "performance.dynaconf_merge: keys of dynaconf"),
        ({"instruments": {"ES": {}, "es": {}}}, "instruments: the keys 'ES' and 'es' are too much"),
        ({"instruments": {"A B": {}, "a_b": {}}}, "instruments: the keys 'A B' and 'a_b' are too"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(mapping, message):
    assert refusal(mapping).removeprefix("execution_handler.").startswith(message)


def test_the_sentence_for_a_limit(sections):
    assert refusal({"risk_controls": {"max_position_size": 0}}, *sections) == (
        "execution_handler.risk_controls.max_position_size: expected int >= 1, was 0"
    )


def test_a_structure_without_end_is_refused():
    endless: dict[str, object] = {}
    endless["performance"] = endless
    assert refusal(endless).endswith("nested too deeply")


# Sections of plugins


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 10}, "count: expected int >= 1 and < 10, was 10"),
        ({"rate": 2}, "rate: expected number > 0 and <= 1, was 2"),
        ({"name": ""}, "name: expected text that is not empty, was ''"),
        ({"flag": 1}, "flag: expected true or false, was 1"),
        ({"speed": "x"}, "speed: expected one of 'slow', 'fast', was 'x'"),
        ({"choice": "c"}, "choice: expected one of 'a', 'b', was 'c'"),
        ({"sizes": 1}, "sizes: expected list, was 1"),
        ({"sizes": [1, "x"]}, "sizes: Expected `int`, got `str` - at `$[1]`"),
        ({"either": 1.5}, "either: expected int or text, was 1.5"),
        ({"token": 5}, "token: expected text, was '***'"),
        ({"token": ["hunter2"]}, "token: expected text, was '***'"),
        ({"span": 5}, "span: expected keys and values, was 5"),
        ({"span": {}}, "span.low: missing; expected number"),
        ({"span": {"low": 5}}, "span.high: expected at least 5.0, was 1.0"),
        ({"span": {"low": 0, "typo": 1}}, "span.typo: unknown key"),
        ({"bounds": {"low": 0, "typo": 1}}, "bounds.typo: unknown key"),
        ({"spans": {"a": {"low": "x"}}}, "spans.a.low: expected number, was 'x'"),
        ({"spans": {"a": {"low": 1, "typo": 1}}}, "spans.a.typo: unknown key"),
        ({"typo": 1}, "typo: unknown key"),
        ({"renamed": 1}, "renamed: unknown key"),
        ({"given-name": "x"}, "given-name: expected int, was 'x'"),
        ({"positions": 1}, "positions: unknown key"),
    ],
)
def test_the_section_of_a_plugin_is_checked(given, message):
    prefix = "execution_handler.backtest_settings.example."
    assert refusal({"example": given}, EXAMPLE).removeprefix(prefix).startswith(message)


def test_the_section_of_a_plugin():
    given = {
        "count": 9,
        "rate": 1,
        "speed": "fast",
        "sizes": [1, 2],
        "span": {"low": 0.5},
        "spans": {"a": {"low": 0}},
        "given-name": 7,
    }
    settings = decode_settings({"example": given}, [EXAMPLE])
    assert settings.plugin_sections["example"] == Example(
        count=9,
        rate=1.0,
        speed=Speed.FAST,
        sizes=[1, 2],
        span=Span(low=0.5),
        spans={"a": Span(low=0.0)},
        renamed=7,
    )


def test_a_field_is_read_from_where_its_alias_points():
    settings = decode_settings({"performance": {"max_open_positions": 3}}, [EXAMPLE])
    assert settings.performance == Performance(max_open_positions=3)
    assert settings.plugin_sections["example"].positions == 3


def test_an_alias_adds_a_key_that_the_core_does_not_know():
    declared = declare(Example, positions="performance.positions")
    settings = decode_settings({"performance": {"positions": 4}}, [declared])
    assert settings.plugin_sections["example"].positions == 4
    assert "performance.other: unknown" in refusal({"performance": {"other": 4}}, declared)


def test_sections_may_stand_in_one_another():
    inner = declare(Span, "backtest_settings.example.inner", "inner")
    settings = decode_settings({"example": {"count": 2, "inner": {"low": 0}}}, [EXAMPLE, inner])
    assert settings.plugin_sections["example"].count == 2
    assert settings.plugin_sections["inner"] == Span(low=0.0)
    assert "example.inner.x: unknown" in refusal({"example": {"inner": {"x": 1}}}, EXAMPLE, inner)


def test_a_section_at_the_top():
    settings = decode_settings({"own": {"low": 0}}, [declare(Span, "own")])
    assert settings.plugin_sections["example"] == Span(low=0.0)


def test_a_setting_that_a_plugin_needs():
    message = "execution_handler.backtest_settings.example.needed: missing; expected int"
    assert refusal({}, declare(Needy)) == message


def test_a_refusal_of_the_plugin_itself():
    message = "execution_handler.backtest_settings.example: only nothing will do"
    assert refusal({"example": {"value": 1}}, declare(Judge)) == message


@pytest.mark.parametrize("section", ["mode.x", "mode", "performance.max_open_positions.x"])
def test_a_plugin_cannot_claim_a_single_value(section):
    with pytest.raises(PluginError, match=rf"claims '{section}', but execution_handler\."):
        decode_settings({}, [declare(Span, section)])


# Cost models and instruments


@pytest.mark.parametrize(
    ("mapping", "slippage", "commission"),
    [
        ({}, None, None),
        ({"slippage": {}}, "fixed", None),
        ({"commission": {}}, None, "per_contract"),
        ({"slippage": {"type": "mine"}, "commission": {"type": "yours"}}, "mine", "yours"),
    ],
)
def test_the_cost_models(mapping, slippage, commission):
    settings = decode_settings(mapping).backtest_settings
    assert (settings.slippage_type, settings.commission_type) == (slippage, commission)


def test_an_instrument_of_ones_own():
    given = {"tick_size": 0.1, "point_value": 1, "time_zone": "UTC", "session_roll": "00:00"}
    assert decode_settings({"instruments": {"BTC.X": given}}).instruments == {
        "BTC.X": Instrument(
            symbol="BTC.X",
            tick_size=0.1,
            point_value=1.0,
            time_zone="UTC",
            session_roll="00:00",
        )
    }


@pytest.mark.parametrize("symbol", ["ES", "ESZ24"])
def test_a_built_in_contract_is_changed_in_part(symbol):
    found = decode_settings({"instruments": {symbol: {"currency": "EUR"}}}).instruments[symbol]
    assert found == msgspec.structs.replace(BUILT_IN["ES"], symbol=symbol, currency="EUR")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "tick_size: missing; expected number"),
        ({"tick_size": 1}, "point_value: missing; expected number"),
        ({"tick_size": 0, "point_value": 1}, "tick_size: expected a finite number > 0, was 0.0"),
        ({"tick_size": 1, "point_value": -1}, "point_value: expected a finite number > 0, was -1"),
        ({"tick_size": "x", "point_value": 1}, "tick_size: expected number, was 'x'"),
        ({"tick_size": 1, "point_value": 1, "symbol": "Y"}, "symbol: unknown key"),
        ({"tick_size": 1, "point_value": 1, "session_roll": "24:00"}, "session_roll: expected a "),
        ({"tick_size": 1, "point_value": 1, "time_zone": "America"}, "time_zone: expected a name"),
        ({"tick_size": 1, "point_value": 1, "time_zone": "../x"}, "time_zone: expected a name"),
    ],
)
def test_an_instrument_that_cannot_be(given, message):
    prefix = "execution_handler.instruments.X.Y."
    assert refusal({"instruments": {"X.Y": given}}).removeprefix(prefix).startswith(message)


# Anything at all

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ES", "linear", "${X}", "@format x", "17:00", b"x", 1j])
)
known = st.sampled_from(
    [
        *("execution_handler", "mode", "live_settings", "backtest_settings", "performance"),
        *("instruments", "risk_controls", "slippage", "commission", "simulation", "example"),
        *("type", "symbol", "bar_seconds", "credentials", "latency_ms", "low", "high", "count"),
        *("tick_size", "point_value", "time_zone", "session_roll", "max_position_size", "rate"),
        *("max_open_positions", "span", "spans", "sizes", "token"),
    ]
)
mappings = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(known | st.text(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(known | st.text(max_size=4), mappings, max_size=4)
    | st.fixed_dictionaries({"execution_handler": mappings})
    | mappings
)
def test_any_mapping_is_settings_or_refused(sections, mapping):
    with suppress(ConfigurationError, InvalidValue):
        assert isinstance(decode_settings(mapping, (*sections, EXAMPLE)), Settings)
