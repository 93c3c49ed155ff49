"""Types of values that several settings share: names of items, random seeds, SHA-256 hashes."""

from typing import Annotated

from annotated_types import Interval
from pydantic import Field

MAX_NAME = 64
# DVC fills names into paths, and separates the parts of a key by dots.
NAME = rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_NAME - 1}}}$"

Name = Annotated[
    str, Field(pattern=NAME, description=f"a name of up to {MAX_NAME} letters (a-z), digits, `-` and `_`, without dots")
]
Seed = Annotated[int, Interval(ge=0, le=2**32 - 1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$", description="a SHA-256: 64 hexadecimal digits")]
