"""The settings of the core as immutable messages: fields, types, bounds and defaults."""

from typing import Annotated, Any, Literal

import msgspec

from fillbridge_hooks import Instrument, KillLevel

_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Count = Annotated[int, msgspec.Meta(ge=1)]
_Account = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]

MASK = "***"
"""Stands for a secret wherever a setting is shown."""


class ProposalKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that strategies sign proposals with."""

    secret: _Name
    """A reference such as ``${NAME}``, kept as it was written; resolved at the start."""
    strategies: Annotated[list[_Name], msgspec.Meta(min_length=1)]
    """Whose proposals may be signed with it."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("secret", MASK), ("strategies", self.strategies)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(secret={MASK!r}, strategies={self.strategies!r})"


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The connection to a broker.

    ``credentials`` maps names that the driver knows to references such as ``${NAME}``, kept as
    they were written; whoever logs in resolves them. They are masked in ``repr``.
    """

    provider: _Name | None = None
    """Name of the broker driver; ``None`` where nothing is traded live."""
    environment: Literal["sim", "prod"] = "sim"
    credentials: dict[str, str] = msgspec.field(default_factory=dict)
    secrets: _Name | None = None
    """A folder of files that references to secrets may name; ``None`` for no such."""
    plugins_lock: _Name | None = None
    """The plugin lock; ``plugins.lock`` beside the configuration where ``None``."""
    secret_providers: tuple[_Name, ...] | None = None
    """Who may resolve references, in this order; ``None``: all, but in ``prod`` the environment."""
    proposal_keys: dict[str, ProposalKey] = msgspec.field(default_factory=dict)
    """Keys of signed proposals, by the id that a signature names."""
    signed_proposals: bool | None = None
    """Whether a proposal needs a signature; ``None``: where there are keys, and in ``prod`` from
    outside the handler's process."""
    hold_timeout: _Positive = 60.0
    """A held proposal that nobody approves is refused after this, s."""
    symbol: _Name = "ES"
    """Of proposals that name none."""
    order_timeout: _Positive = 300.0
    """Life of an entry that is not filled, s; the proposal's ``timeout_seconds`` wins."""
    heartbeat_interval: _Positive = 30.0
    """The longest time between two heartbeats, s."""
    account: _Account = "default"
    """Of the broker; journal, lock and socket are kept for each."""
    journal: _Name = "fillbridge-journal"
    """The folder of the journals of all accounts."""
    durability: Literal["power", "process"] = "power"
    """What a recorded order survives: failures of ``power``, or the end of the ``process``."""
    socket: _Name | None = None
    """Where commands find the running handler; beside the journal where ``None``."""
    reconcile_interval: _Positive = 5.0
    """Between two comparisons with the broker, s."""
    acknowledge_timeout: _Positive = 2.0
    """An order that the broker has not answered is in doubt after this, s."""
    protection_timeout: _Positive = 1.5
    """A position without its stop is closed after this, s."""
    quarantine: _Positive = 30.0
    """An entry that stays absent at the broker for this long never arrived, s."""
    reconnect_first: _Positive = 0.25
    """The longest wait before the second attempt to connect, s; it doubles with each."""
    reconnect_max: _Positive = 30.0
    """The longest wait between two attempts to connect, s."""
    reconnect_lasting: _Positive = 60.0
    """A session that traded for this long is replaced at once when it is lost, s."""
    reconnect_limit: _Count = 5
    """More sessions than this within ten minutes that traded, but not for so long, are given up."""
    max_loop_lag_ms: _Positive = 250.0
    """While the handler's own tasks run later than this, no entry leaves."""

    operators: dict[str, str] = msgspec.field(default_factory=dict)
    """Who may approve, by name: ``ed25519:`` and the public key in base64."""
    dead_man_s: _Positive | None = None
    """Without a sign of life for this long the account is stopped, s; ``None``: never."""
    dead_man_level: KillLevel = KillLevel.CANCEL
    """How far it is stopped then."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        shown = msgspec.structs.asdict(self) | {
            "credentials": dict.fromkeys(self.credentials, MASK)
        }
        return list(shown.items())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({fields})"


class BacktestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest runs on and which cost models it uses."""

    symbol: _Name = "ES"
    """Of proposals and bars that name none."""
    driver: _Name = "sim"
    """Name of the simulation driver."""
    account: Literal["independent", "netting"] = "independent"
    """Whether overlapping brackets are positions of their own or an opposite one is refused."""
    bar_seconds: _Positive | None = None
    """Length of a bar, s; ``None``: inferred from the bars."""
    slippage_type: _Name | None = None
    """Name of the slippage model (``slippage.type``); ``None``: fills slip by nothing."""
    commission_type: _Name | None = None
    """Name of the commission model (``commission.type``); ``None``: fills cost nothing."""


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on how the core runs."""

    max_execution_latency_ms: _Positive = 5.0
    """Executions that take longer are counted; nothing is refused."""
    max_open_positions: _Count | None = None
    """``None``: no limit. Enforced by the risk plugin."""
    position_timeout_hours: _Positive | None = 24.0
    """A position is closed after this time (exit reason TIMEOUT); ``None``: never."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was configured; ``Settings()`` is what is in force without a file."""

    mode: Literal["live", "backtest"] = "backtest"
    live_settings: LiveSettings = msgspec.field(default_factory=LiveSettings)
    backtest_settings: BacktestSettings = msgspec.field(default_factory=BacktestSettings)
    performance: Performance = msgspec.field(default_factory=Performance)
    instruments: dict[str, Instrument] = msgspec.field(default_factory=dict)
    """Configured contracts by symbol, without the built-in ones (see ``find_instrument``)."""
    plugin_sections: dict[str, Any] = msgspec.field(default_factory=dict)
    """For each plugin that declared a section, an instance of the Struct it declared."""
