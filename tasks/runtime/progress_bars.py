"""Progress bars of stages, in terminals alone: files and pipes get the lines of the log."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tasks.runtime import text_streams

Item = TypeVar("Item")


def track(
    items: Iterable[Item],
    title: str,
    total: int,
    *,
    size: Callable[[Item], int] = lambda _: 1,
    transient: bool = False,
) -> Iterator[Item]:
    """Yield items, and show on standard error how many are done.

    Args:
        items: Items in the order of their work.
        title: Text before the bar.
        total: Sum of the sizes of all items.
        size: Function that returns the size of an item.
        transient: Whether the bar is removed at the end.
    """
    if not total or not text_streams.may_be_terminal():  # the import of rich would take 0.03 s
        yield from items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tasks.runtime.stage import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    disable = not console().is_terminal
    with Progress(*columns, console=console(), disable=disable, transient=transient) as progress:
        bar = progress.add_task(title, total=total)
        for item in items:
            yield item
            progress.advance(bar, size(item))
