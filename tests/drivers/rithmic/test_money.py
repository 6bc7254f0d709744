"""Nobody trades real money who did not say so, nor plays who thinks that he trades."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.rithmic.floor import floor
from tests.drivers.rithmic.ground import until

from fillbridge.config import decode_settings
from fillbridge.plugins import Plugins
from fillbridge_hooks import ConfigurationError, InvalidValue
from fillbridge_rithmic.link.money import check_money, is_play

PLAY = ["Rithmic Test", "Rithmic Paper Trading", "Fillbridge Rehearsal", "rithmic_paper_trading"]
REAL = ["Rithmic 01", "Rithmic 04 Colo", "TopstepTrader", "Apex", "Latest", "Paperless"]
FOR_PLAY = (
    "system_name: expected one without real money, such as Rithmic Paper Trading, where"
    " live_settings.environment is 'sim', was 'Rithmic 01'"
)
FOR_REAL = (
    "system_name: expected one with real money where live_settings.environment is 'prod',"
    " was 'Rithmic Paper Trading'"
)


@pytest.mark.parametrize(
    ("system", "plays"), [(s, True) for s in PLAY] + [(s, False) for s in REAL]
)
def test_a_system_is_told_by_a_word_of_its_name(system, plays):
    assert is_play(system) is plays
    right, wrong = ("sim", "prod") if plays else ("prod", "sim")
    check_money(system, right)
    with pytest.raises(ConfigurationError, match="system_name"):
        check_money(system, wrong)


@given(st.text())
def test_a_name_that_says_nothing_is_for_real_money(name):
    if not is_play(name):
        with pytest.raises(ConfigurationError):
            check_money(name, "sim")


@pytest.fixture(scope="module")
def sections():
    plugins = Plugins()
    plugins.load()
    return plugins.settings_sections()


def data(system, environment, **changes):
    live = {"provider": "rithmic", "rithmic": {"system_name": system}}
    live |= {} if environment is None else {"environment": environment}
    return {"mode": "live", "live_settings": {**live, **changes}}


@pytest.mark.parametrize(
    ("system", "environment", "message"),
    [
        ("Rithmic 01", "sim", FOR_PLAY),
        ("Rithmic 01", None, FOR_PLAY),
        ("Rithmic Paper Trading", "prod", FOR_REAL),
    ],
)
def test_a_configuration_that_says_both_is_refused(sections, system, environment, message):
    with pytest.raises((ConfigurationError, InvalidValue)) as caught:
        decode_settings(data(system, environment), sections)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "right",
    [
        data("Rithmic 01", "prod"),
        data("Rithmic Test", "sim"),
        data("Rithmic Test", None),
        data("", None),
        data("Rithmic 01", "sim", provider="sim"),
        {**data("Rithmic 01", "sim"), "mode": "backtest"},
    ],
)
def test_one_that_says_the_same_or_does_not_trade_there_is_not(sections, right):
    decode_settings(right, sections)


@pytest.mark.anyio
async def test_a_system_that_a_credential_names_is_not_logged_in_to(tmp_path, monkeypatch):
    monkeypatch.setenv("RITHMIC_SYSTEM", "Rithmic 01")
    async with floor(tmp_path, monkeypatch) as here:
        before = here.logins
        here.handler._credentials._references = {
            "username": "${RITHMIC_USERNAME}",
            "password": "${RITHMIC_PASSWORD}",
            "system_name": "${RITHMIC_SYSTEM}",
        }
        await here.proxy.reset()
        # What a credential says is a secret, even here.
        said = FOR_PLAY.replace("Rithmic 01", "***")
        await until(
            "a standby",
            lambda: f"standby: cannot connect: {said}" in here.gate.reasons(),
            here.gate.reasons,
        )
        assert here.logins == before
