"""The section ``chaos`` of the configuration."""

from typing import Annotated, Literal

import msgspec

from fillbridge_chaos.faults import Faults, Latency, Milliseconds, Rate, Seconds
from fillbridge_chaos.profiles import PROFILES

Profile = Literal["off", "calm", "bad_wifi", "fomc", "hell"]


class ChaosSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile, a seed, and knobs that replace the profile's; see :class:`Faults` for each."""

    profile: Profile = "off"
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The same seed and the same calls give the same faults."""
    request_latency: Latency | None = None
    report_latency: Latency | None = None
    lost_request: Rate | None = None
    lost_report: Rate | None = None
    duplicate: Rate | None = None
    reorder: Rate | None = None
    reorder_window_ms: Milliseconds | None = None
    limbo: Rate | None = None
    limbo_ms: Milliseconds | None = None
    reject: Rate | None = None
    reject_code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    partial: Rate | None = None
    partial_parts: Annotated[int, msgspec.Meta(ge=2, le=100)] | None = None
    fill_before_ack: Rate | None = None
    cancel_cross: Rate | None = None
    cross_ms: Milliseconds | None = None
    hold_ms: Milliseconds | None = None
    bust: Rate | None = None
    bust_after_s: Seconds | None = None
    disconnect_before_send: Rate | None = None
    disconnect_after_send: Rate | None = None
    half_open: Rate | None = None
    half_open_s: Seconds | None = None
    forced_logout: Rate | None = None
    connect_refused: Rate | None = None
    refused_s: Seconds | None = None
    empty_answer: Rate | None = None
    stale_answer: Rate | None = None
    stale_s: Seconds | None = None
    max_consecutive_lies: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None
    query_timeout_s: Seconds | None = None

    @property
    def faults(self) -> Faults | None:
        """The profile with the knobs that are set; ``None`` where the profile is ``off``."""
        if self.profile == "off":
            return None
        knobs = {
            name: value
            for name in Faults.__struct_fields__
            if (value := getattr(self, name)) is not None
        }
        return msgspec.structs.replace(PROFILES[self.profile], **knobs)
