"""Names of the formats of annotation files."""

from typing import Literal, get_args

Format = Literal["icbhi", "audacity", "raven", "times"]
FORMATS: tuple[Format, ...] = get_args(Format)
Choice = Literal["auto", Format]  # auto: recognised by the content
