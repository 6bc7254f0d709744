"""The type of the numbers in the settings of the cost models."""

import sys
from typing import Annotated

from msgspec import Meta

# NaN fails the lower bound; the upper one keeps infinity out.
Amount = Annotated[float, Meta(ge=0, le=sys.float_info.max)]
"""A finite number >= 0; checked where the configuration is decoded."""
