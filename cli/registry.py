"""`breathline registry`: versions of models, as Git tags in the format of GTO and DVC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column

from cli.command_groups import new_group
from cli.options import EXAMPLES, Allow
from cli.output import print_json, table
from flows import objections
from flows.gto_tags import Bump
from tasks import artifacts
from tasks.runtime.consoles import make_console

if TYPE_CHECKING:
    from flows.registry import Version

app = new_group(help="Versions of models: list, register, show.")
Name = Annotated[str, typer.Option(help="Name of the model, under `artifacts:` in dvc.yaml.")]
COLUMNS = {
    "score_strict": "Score\nstrict",
    "score_lenient": "Score\nlenient",
    "sp": "Sp",
    "se_strict": "Se\nstrict",
    "se_lenient": "Se\nlenient",
}
LISTED = tuple(COLUMNS)[:4]
STUDENT = objections.STUDENT  # key of the listed scores


@app.command("list", epilog=EXAMPLES["registry list"])
def list_versions(
    name: Name = "student", as_json: Annotated[bool, typer.Option("--json", help="Print the versions as JSON.")] = False
) -> None:
    """List the versions, newest first, with the Scores of the student (epoch chosen on validation patients)."""
    from flows import registry

    versions = registry.versions(Path.cwd(), name)
    metrics = {str(one): registry.read_at(Path.cwd(), one.commit, artifacts.METRICS) for one in versions}
    if as_json:
        print_json([_row(one, metrics[str(one)]) for one in versions])
        return
    console = make_console(highlight=False)
    if not versions:
        console.print(f"{name} has no version yet: `breathline registry promote` makes the first one.")
        return
    facts = (Column(column, no_wrap=True) for column in ("version", "stage", "made", "commit"))
    shown = table(*facts, *(Column(COLUMNS[key], justify="right") for key in LISTED))
    for one in reversed(versions):
        values = [_score(one.scores.get(f"{STUDENT}.{key}")) for key in LISTED]
        shown.add_row(str(one), " ".join(one.stages), f"{one.made:%Y-%m-%d}", one.commit[:7], *values)
    console.print(shown)
    for one in reversed(versions):
        for clause in objections.find(metrics[str(one)]).values():
            console.print(f"{one}: {clause}", style="yellow", soft_wrap=True)


@app.command(epilog=EXAMPLES["registry promote"])
def promote(
    version: Annotated[
        str | None, typer.Argument(help="Existing version to put into the registry stage; without it, a new version.")
    ] = None,
    *,
    name: Name = "student",
    bump: Annotated[Bump, typer.Option(help="Part of the version number that is increased.")] = "minor",
    stage: Annotated[str, typer.Option(help="Registry stage of the version; empty for none.")] = "production",
    allow: Allow = None,
) -> None:
    """Register the model that was trained last as a version, and put it into a registry stage.

    All stages must be up to date, and validation must have passed. Branch, index and files do not change.
    A model that learned from generated sounds, or is degenerate, needs --allow.
    """
    from flows import registry
    from flows.processes.run_lock import exclusive_run

    root, console = Path.cwd(), make_console(highlight=False)
    with exclusive_run(root):
        if version is None:
            made = registry.promote(root, name=name, bump=bump, stage=stage or None, allowed=allow or ())
        else:
            made = registry.assign(root, version, stage, allowed=allow or ())
    console.print(f"[bold green]{made}[/] at {made.commit[:9]}" + (f", in {' '.join(made.stages)}" if stage else ""))
    for clause in objections.find(registry.read_at(root, made.commit, artifacts.METRICS)).values():
        place = f"; it is in {stage} because --allow says so" if stage else ""
        console.print(f"Not fit for use: {clause}{place}", style="yellow", soft_wrap=True)
    console.print("To share it: `dvc push` and `git push --tags`. To use it: ", end="")
    console.print(f"`breathline predict recording.wav --model {made}`", soft_wrap=True)


@app.command(epilog=EXAMPLES["registry show"])
def show(model: Annotated[str, typer.Argument(help="Version or registry stage.")] = "student") -> None:
    """Show one version: commit, scores, data, and the commands to get it."""
    from flows import registry
    from lineage import versions
    from tasks.runtime.params import natural

    root, console = Path.cwd(), make_console(highlight=False)
    version = registry.find(root, model)
    console.print(f"[bold]{version}[/]" + (f", in {' '.join(version.stages)}" if version.stages else ""))
    console.print(f"made {version.made:%Y-%m-%d %H:%M %Z} at commit {version.commit}", soft_wrap=True)
    order = list(COLUMNS)
    for key in sorted(version.scores, key=lambda key: (key.split(".")[:-1], order.index(key.split(".")[-1]))):
        console.print(f"  {key:28} {_score(version.scores[key]):>6}")
    if metrics := registry.read_at(root, version.commit, artifacts.METRICS):
        test = metrics["test"]
        console.print(f"corpus {metrics['corpus']}, labels {metrics['labels']}, split {metrics['split']}: ", end="")
        console.print(f"tested on {test['cycles']} cycles of {test['patients']} patients; ", end="")
        console.print(f"seeds {', '.join(sorted(metrics['students'], key=natural))}")
        for clause in objections.find(metrics).values():
            console.print(f"not fit for use: {clause}", style="yellow", soft_wrap=True)
    get = f"dvc artifacts get . {versions.full_name(root, version.name)} --rev {version.version}"
    console.print(f"[dim]{get} · git show {versions.tag_of(root, str(version))}:./params.yaml[/]")


def _row(version: Version, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object of a version."""
    from flows.publish.scores import degenerate

    flags = {"degenerate": degenerate(metrics, STUDENT), "generated": metrics.get("generated")}
    return asdict(version) | {"made": version.made.isoformat()} | flags


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
