"""The two lanes on which a source is asked."""

from typing import Literal

Lane = Literal["live", "bulk"]
