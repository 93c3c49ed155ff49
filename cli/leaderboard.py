"""`breathline leaderboard`: comparison of recipes, each run in a workspace of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.options import AsJson, Jobs
from cli.output import print_json
from cli.recipe import Corpus, External
from tasks.artifacts import REPORTS
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.leaderboards.recipe_workspaces import RecipeWorkspace
    from flows.scheduling.scheduler import Event, Unit


def leaderboard(
    recipe: Annotated[list[str] | None, typer.Argument(help="Recipes; differences are from the first one.")] = None,
    *,
    seeds: Annotated[
        str, typer.Option(help="Random seeds of the student, e.g. 1,2,3; default: each recipe's own.")
    ] = "",
    jobs: Jobs = 1,
    small: Annotated[bool, typer.Option("--small", help="Small versions of the recipes, for a trial.")] = False,
    corpus: Corpus = [],  # noqa: B006 - Typer reads the default and changes nothing
    external: External = [],  # noqa: B006
    paper: Annotated[
        bool, typer.Option("--paper", help="Also choose the epoch on the test set, as the publications do.")
    ] = False,
    collect: Annotated[
        bool, typer.Option("--collect", help="Run nothing; show all finished workspaces, or those of RECIPE.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare recipes over seeds: mean ± sd, interval, differences, and published scores if they are comparable.

    Each recipe runs in .leaderboard/<recipe>/ on the project's DVC cache: nothing is trained twice, and an interrupted
    training resumes. Your own params.yaml and data do not change.
    """
    from flows import write_access
    from flows.leaderboards.recipe_workspaces import FOLDER, RecipeWorkspace, prepare
    from flows.processes.run_lock import exclusive_run
    from flows.workspaces import cache_of

    root, console = Path.cwd(), make_console(stderr=as_json)
    chosen = [RecipeWorkspace(recipe=name, small=small) for name in dict.fromkeys(recipe or [])]
    failures: Mapping[str, str] = {}
    if not collect:
        if not chosen:
            raise BreathlineError("No recipe is named.", hint="`breathline recipe list` shows the recipes")
        numbers = _numbers(seeds)
        write_access.check(root)
        with exclusive_run(root / FOLDER):
            cache = cache_of(root)
            with console.status("Preparing the workspaces …"):
                for workspace in chosen:
                    prepare(
                        root,
                        workspace,
                        seeds=numbers,
                        corpus=corpus,
                        external=external,
                        paper=paper,
                        cache=cache,
                    )
            failures = _run(root, chosen, jobs, console)
    if len(failures) < max(len(chosen), 1):
        _show(root, chosen, console, as_json=as_json)
    if failures:
        listed = "\n".join(f"{name}: {failure}" for name, failure in failures.items())
        raise BreathlineError(f"Some recipes failed.\n{listed}", hint="correct the cause, then run the command again")


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")] if seeds else []
    except ValueError as error:
        raise BreathlineError(
            f"`{seeds}` is no list of seeds.", where="--seeds", hint="whole numbers: 1,2,3"
        ) from error


def _run(root: Path, chosen: Sequence[RecipeWorkspace], jobs: int, console: Console) -> dict[str, str]:
    """Bring every workspace up to date, and return the failures by recipe."""
    from flows.leaderboards.recipe_workspaces import mark_finished
    from flows.processes.stage_process import StageProcesses
    from flows.scheduling import scheduler
    from flows.scheduling.gpu_slots import local_slots
    from flows.scheduling.local_stages import LOG, LocalStages
    from flows.scheduling.work_units import outdated_units
    from flows.workspaces import absolute_weights

    absolute_weights()
    by_folder = {root / workspace.folder: workspace for workspace in chosen}
    with console.status("Reading the graphs …"):
        units = [unit for folder in by_folder for unit in outdated_units(folder)]
    # The processes end first, or the threads would wait for them.
    with (
        _progress(console, by_folder, units) as notify,
        ThreadPoolExecutor(jobs) as pool,
        StageProcesses() as processes,
    ):
        stages = LocalStages(processes, local_slots(None))
        results = scheduler.run(
            units, jobs=jobs, start=lambda unit: pool.submit(stages.run_logged, unit), notify=notify
        )
    failures = scheduler.first_failures(results)
    mark_finished(root, chosen, failures)
    return {
        by_folder[folder].recipe: f"{failure}\n  full log: {by_folder[folder].folder / LOG}"
        for folder, failure in failures.items()
    }


@contextmanager
def _progress(
    console: Console, by_folder: Mapping[Path, RecipeWorkspace], units: Sequence[Unit]
) -> Iterator[Callable[[Event], None]]:
    """Yield a function that draws a progress bar for each recipe; without a terminal, it prints a line per stage."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    totals = Counter(unit.workspace for unit in units)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[stage]}"), console=console) as progress:
        bars, failed = {}, set[Path]()
        if console.is_terminal:
            for folder, workspace in by_folder.items():
                total = totals[folder] or None
                bars[folder] = progress.add_task(workspace.recipe, total=total, stage="", start=total is not None)

        def notify(event: Event) -> None:
            folder = event.unit.workspace
            if console.is_terminal:
                if event.state == "failed":
                    failed.add(folder)
                running = event.unit.step.stage if event.state == "started" else ""
                text = f"[red]failed[/] {running}" if folder in failed else running
                progress.update(bars[folder], completed=event.done, stage=text)
            elif event.state == "started":
                recipe, stage = by_folder[folder].recipe, event.unit.step.stage
                console.print(f"{recipe}: {stage} ({event.done} of {event.total} done)")

        yield notify


def _show(root: Path, chosen: Sequence[RecipeWorkspace], console: Console, *, as_json: bool) -> None:
    """Print the leaderboards of the finished workspaces, as tables or JSON, and write them to ``reports/``."""
    from flows.leaderboards import comparison, tables
    from flows.leaderboards.recipe_workspaces import FOLDER, finished

    done = finished(root, chosen)
    if not done:
        hint = "`breathline leaderboard RECIPE…` runs recipes; see `breathline recipe list`"
        raise BreathlineError("No workspace is finished.", where=root / FOLDER, hint=hint)
    found = comparison.leaderboards([one for workspace in done for one in comparison.read(root, workspace)])
    if as_json:
        print_json([asdict(one) for one in found])
    for one in () if as_json else found:
        console.print(tables.rich_table(one))
        for note in tables.notes(one):
            console.print(note, style="dim", markup=False, highlight=False)
        console.print()
    unfinished = [workspace.recipe for workspace in chosen if workspace not in done]
    if unfinished:
        console.print(f"Not finished, and not shown: {', '.join(unfinished)}.", style="yellow")
    written = ", ".join(str(path.relative_to(root)) for path in tables.write(found, root / REPORTS))
    console.print(f"Written: {written}", highlight=False)
