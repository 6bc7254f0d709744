from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fillbridge.config import find_instrument, load_settings
from fillbridge.files import read_bars, read_proposals
from fillbridge.plugins import Plugins
from fillbridge.runs.demo import write_session


def texts(directory: Path, seed: int) -> list[str]:
    directory.mkdir()
    return [path.read_text() for path in write_session(directory, seed)]


def test_a_seed_makes_one_session(tmp_path):
    assert texts(tmp_path / "a", 5) == texts(tmp_path / "b", 5)
    assert texts(tmp_path / "c", 6)[:2] != texts(tmp_path / "a2", 5)[:2]


@given(st.integers())
def test_every_session_can_be_read(tmp_path_factory, seed):
    session = write_session(tmp_path_factory.mktemp("session"), seed)
    bars = list(read_bars(session.bars, lambda symbol: find_instrument(symbol, {}), "ES"))
    proposals = read_proposals(session.proposals)
    assert len(bars) == 390
    assert proposals.rejected == []
    assert bars[0].timestamp < proposals.rows[0].time_ns
    assert proposals.rows[-1].time_ns <= bars[-1].timestamp


def test_the_configuration_has_the_costs_and_limits_of_the_specification(tmp_path):
    plugins = Plugins()
    plugins.load()
    config = write_session(tmp_path, 1).config
    settings = load_settings(config, plugins.settings_sections(), {}).settings
    backtest = settings.backtest_settings
    assert (backtest.slippage_type, backtest.commission_type) == ("linear", "per_contract")
    assert settings.plugin_sections["slippage"].linear_rate == 0.1
    commission = settings.plugin_sections["commission"]
    charged = (commission.per_contract, commission.exchange_fees, commission.nfa_fees)
    assert charged == (2.5, 1.28, 0.02)
    assert settings.plugin_sections["risk"].max_position_size == 5
    assert settings.performance.position_timeout_hours == 24
