"""`breathline leaderboard`: runs recipes in workspaces of their own and ranks what their students reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from flows.leaderboards.recipe_workspaces import FOLDER, Entry, finish, finished, prepare
from flows.recipes import corpus as corpora
from flows.workspaces import absolute_weights, cache_of
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.scheduling.scheduler import Outcome, Told

EXAMPLES = (
    "Examples: `breathline leaderboard ast_ce patchmix_cl sam_ast --corpus icbhi --jobs 2` · "
    "`breathline leaderboard mn_plain mn_sam --seeds 1,2,3` · "
    "`breathline leaderboard ast_ce best --small --corpus demo` · `breathline leaderboard --collect`"
)
REPORTS = Path("reports")


def leaderboard(
    recipe: Annotated[list[str] | None, typer.Argument(help="recipes; differences are to the first")] = None,
    *,
    seeds: Annotated[str, typer.Option(help="of the students, such as 1,2,3; each recipe's own if not given")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="how many stages may run at once, over all recipes")] = 1,
    small: Annotated[bool, typer.Option("--small", help="the recipes' miniatures, to try it out")] = False,
    corpus: Annotated[str | None, typer.Option(help=f"on which recordings: {corpora.HELP}")] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="also with the epoch chosen on the test set, as publications do")
    ] = False,
    collect: Annotated[
        bool, typer.Option("--collect", help="run nothing; show the workspaces that are finished, or those named")
    ] = False,
) -> None:
    """Compare recipes over seeds: mean ± sd, interval, differences, and the published figures where they fit.

    Each recipe runs in .leaderboard/<recipe>/ on the project's DVC cache: nothing is trained twice, and what was
    interrupted goes on. Your own params.yaml and data stay as they are.
    """
    from flows.processes.stage_process import only_run

    root, console = Path.cwd(), Console()
    entries = [Entry(recipe=name, small=small) for name in dict.fromkeys(recipe or [])]
    failures: Mapping[str, str] = {}
    if not collect:
        if not entries:
            raise BreathlineError("No recipe is named.", hint="`breathline recipe list` tells which there are")
        chosen = _numbers(seeds)
        (root / FOLDER).mkdir(exist_ok=True)
        with only_run(root / FOLDER):
            cache = cache_of(root)
            with console.status("Preparing the workspaces …"):
                for entry in entries:
                    prepare(root, entry, seeds=chosen, corpus=corpus, paper=paper, cache=cache)
            failures = _run(root, entries, jobs, console)
    if len(failures) < max(len(entries), 1):
        _show(root, entries, console)
    if failures:
        listed = "\n".join(f"{name}: {what}" for name, what in failures.items())
        raise BreathlineError(f"Not all recipes have ended well.\n{listed}", hint="mend the cause, then run it again")


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")] if seeds else []
    except ValueError as error:
        raise BreathlineError(f"`{seeds}` are no seeds.", where="--seeds", hint="whole numbers: 1,2,3") from error


def _run(root: Path, entries: Sequence[Entry], jobs: int, console: Console) -> dict[str, str]:
    """Bring every workspace up to date and return what went wrong, by recipe."""
    from flows.scheduling import scheduler

    absolute_weights()
    by_folder = {root / entry.folder: entry for entry in entries}
    with console.status("Reading the graphs …"):
        waiting = [unit for folder in by_folder for unit in scheduler.units(folder)]
    totals = {folder: sum(unit.workspace == folder for unit in waiting) for folder in by_folder}
    with _progress(console, by_folder, totals) as told:
        failures = scheduler.failures(scheduler.run(waiting, jobs=jobs, told=told))
    finish(root, entries, failures)
    return {
        by_folder[folder].recipe: f"{what}\n  the whole log: {by_folder[folder].folder / scheduler.LOG}"
        for folder, what in failures.items()
    }


@contextmanager
def _progress(console: Console, by_folder: Mapping[Path, Entry], totals: Mapping[Path, int]) -> Iterator[Told]:
    """Yield what draws a bar for each recipe; where nobody watches, a line a stage."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[stage]}"), console=console) as progress:
        if console.is_terminal:
            bars = {
                folder: progress.add_task(
                    entry.recipe, total=totals[folder] or None, stage="", start=bool(totals[folder])
                )
                for folder, entry in by_folder.items()
            }

        def told(folder: Path, stage: str, outcome: Outcome) -> None:
            if console.is_terminal:
                word = "[red]failed[/]" if outcome.failure else stage
                progress.update(bars[folder], completed=len(outcome.done), stage=word)
            elif stage:
                console.print(f"{by_folder[folder].recipe}: {stage} ({len(outcome.done)} of {outcome.total} done)")

        yield told


def _show(root: Path, entries: Sequence[Entry], console: Console) -> None:
    """Print the boards of the finished workspaces and write them to ``reports/``."""
    from flows.leaderboards import comparison, tables

    done = finished(root, entries)
    if not done:
        hint = "`breathline leaderboard RECIPE…` runs them; see `breathline recipe list`"
        raise BreathlineError("No workspace is finished.", where=root / FOLDER, hint=hint)
    boards = comparison.boards([comparison.read(root, entry) for entry in done])
    for board in boards:
        console.print(tables.rich_table(board))
        for note in tables.notes(board):
            console.print(f"[dim]{note}[/]", highlight=False)
        console.print()
    left = [entry.recipe for entry in entries if entry not in done]
    if left:
        console.print(f"Not finished, and not shown: {', '.join(left)}.", style="yellow")
    written = ", ".join(str(path.relative_to(root)) for path in tables.write(boards, root / REPORTS))
    console.print(f"Written: {written}", highlight=False)
