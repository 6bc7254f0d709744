"""What a broker can do by itself."""

import msgspec


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a broker does by itself; whatever is not declared is done by the core."""

    bracket: bool = False
    """Stop and target rest at the broker as soon as the entry fills."""
    bracket_distances: bool = False
    """With ``bracket``: legs may be given as distances from the fill."""
    oco: bool = False
    """Two orders of which one fill cancels the other."""
    replace: bool = False
    query_by_client_order_id: bool = False
    idempotent_submit: bool = False
    reduce_only: bool = False
    partial_fills: bool = False
    market_data: bool = False
