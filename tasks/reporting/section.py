"""Section of the report: a title, and a function from the results of a run to what the section shows.

A section shows blocks (`Text`, `Table`, `Picture`, `Fold`), or has a template of its own for a mapping of values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.reporting.run_results import RunResults


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text.

    Attributes:
        text: The text.
        muted: Whether it is an explanation, in smaller and paler letters.
    """

    text: str
    muted: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows.

    Attributes:
        columns: Titles of the columns.
        rows: The cells of each row as text.
        title: Heading above the table.
        caption: Explanation of the table.
        main: Whether the first row is the main result.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    caption: str = ""
    main: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        svg: The drawing (`tasks.reporting.svg`).
        title: Heading above the figure.
        caption: Explanation of the figure.
        sound: Sound to be heard, as a data URL; none if empty.
    """

    svg: str
    title: str = ""
    caption: str = ""
    sound: str = ""
    kind: str = "picture"


@dataclass(frozen=True)
class Fold:
    """Blocks that are hidden until their title is chosen.

    Attributes:
        title: Title, which remains visible.
        blocks: The blocks.
    """

    title: str
    blocks: Sequence[Text | Table | Picture]
    kind: str = "fold"


Block = Text | Table | Picture | Fold
Content = Mapping[str, Any] | Sequence[Block] | None


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section of the page.

    Attributes:
        title: Heading, and link at the top of the page.
        order: Place on the page; smaller numbers come first.
        content: Function from the results to blocks, or to the values of the template ``sections/<module>.html.j2``.
            None or nothing at all leaves the section out.
    """

    title: str
    order: int
    content: Callable[[RunResults], Content]
