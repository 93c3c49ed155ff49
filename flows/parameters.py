"""Types of the parameters that several flows share."""

from typing import Annotated

from pydantic import Field

Jobs = Annotated[int, Field(ge=1, le=256)]
Gpus = Annotated[int | None, Field(ge=1, le=64)]
