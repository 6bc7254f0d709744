"""A market that goes up and down by chance."""

from collections.abc import Iterator, Sequence
from random import Random

from fillbridge_rithmic.gateway.book.brackets import on_tick
from fillbridge_rithmic.gateway.clock import SECOND_NS
from fillbridge_rithmic.gateway.market.ticks import Quote, Tick, Trade
from fillbridge_rithmic.gateway.settings import Contract

_LARGEST_TRADE = 10


def random_walk(
    contracts: Sequence[Contract], *, seed: int, trades_per_s: float, volatility: float
) -> Iterator[Tick]:
    """Quotes and trades without end, the same for the same seed.

    :param trades_per_s: of each contract
    :param volatility: ticks that a contract goes in a second
    """
    random = Random(seed)  # noqa: S311 (reproducible, no secret)
    step_ns = round(SECOND_NS / trades_per_s / len(contracts))
    spread = volatility / trades_per_s**0.5
    levels = {each.symbol: each.price / each.tick_size for each in contracts}
    time_ns = 0
    while True:
        for contract in contracts:
            time_ns += step_ns
            # A price that came down to nothing could not be traded.
            level = max(levels[contract.symbol] + random.gauss(0, spread), 2.0)
            levels[contract.symbol] = level
            bid = on_tick(int(level) * contract.tick_size, contract.tick_size)
            ask = on_tick((int(level) + 1) * contract.tick_size, contract.tick_size)
            yield Quote(time_ns=time_ns, symbol=contract.symbol, bid=bid, ask=ask)
            price, size = random.choice((bid, ask)), random.randint(1, _LARGEST_TRADE)
            yield Trade(time_ns=time_ns, symbol=contract.symbol, price=price, size=size)
