"""Settings of monitoring: when a difference raises an alert, and which time is looked at."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

By = Literal["day", "week", "month"]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Thresholds of alerts.

    A distribution raises an alert if its PSI reaches `psi` and its corrected p-value is below `p`. A share raises
    one if both of its limits are more than `share` above the reference, or both are as far below.

    Attributes:
        psi: Least population stability index of an alert.
        p: Level of the tests after Holm's correction, 0 to 1.
        share: Difference of shares, 0 to 1.
        recordings: Least number of recordings; with fewer nothing is claimed.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    psi: Annotated[float, Gt(0)] = 0.2
    p: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    share: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    recordings: Annotated[int, Ge(10)] = 30
