"""Settings of the subsets: ``split``, ``validation`` and the folds of teachers in params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval
from pydantic import Field

from tasks.runtime.value_types import Name, Seed

FOLDS = ("0", "1", "2", "3", "4")
SPLITS = ("official", "official-disjoint", *FOLDS)  # a corpus can have others, named after their test recordings
ALL = "all"  # test of an external corpus: all cycles with a label
DEVICE = "@"  # `official@DEVICE`: only the recordings of one device, on both sides
Split = (
    Annotated[
        str,
        Field(
            pattern=rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,39}}({DEVICE}\S(.{{0,98}}\S)?)?$",
            description=f"a split of the corpus, such as {', '.join(SPLITS)}, each also with {DEVICE}<device>",
        ),
    ]
    | Annotated[int, Interval(ge=0, le=len(FOLDS) - 1)]
)
SplitByCorpus = Split | Mapping[Name, Split]  # of all training corpora, or of each by its name


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
    """Fraction of the training side that is used for validation, and the random seed of its choice."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    fraction: Annotated[float, Interval(ge=0.02, le=0.5)]
    seed: Seed


@dataclass(frozen=True, kw_only=True)
class FoldSettings:
    """Fold of the training patients that is left out: its index, and the number of folds."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    index: Annotated[int, Ge(0)]
    of: Annotated[int, Interval(ge=2, le=1000)]

    def __post_init__(self) -> None:
        if self.index >= self.of:
            raise ValueError(f"index: from 0 to {self.of - 1}; there is no fold {self.index} of {self.of}")
