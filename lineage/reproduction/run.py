"""Second run of a recorded stage in a folder of its own, without DVC and its run-cache, and the verdict."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from lineage import record
from lineage.reproduction import comparison, conditions
from lineage.reproduction import folder as folders
from lineage.reproduction.comparison import Difference
from lineage.reproduction.recorded_run import NotReproducibleError, RecordedRun
from tasks.runtime.errors import BreathlineError
from tasks.runtime.user_paths import PROJECT
from tasks.runtime.words import counted

FOLDER = Path(".dvc/tmp/reproductions")  # Git ignores it, and DVC finds no stages there
TOLERANCE = 0.05
HINT = "`breathline audit verify` compares all other evidence of the run; compare both folders"
# Variables by which a process imports other modules, or writes down another commit or flow run.
# Also the key of the event log, which is not for code of other commits.
LEFT_OUT = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSAFEPATH",
    "BREATHLINE_GIT_BASE",
    "BREATHLINE_FLOW_RUN",
    "BREATHLINE_LOG_KEY",
)
PYTHON = Path(sys.executable).parent  # folder of the program `python` of the commands
WEIGHTS = "BREATHLINE_WEIGHTS"  # folder of published weights, which may be relative to the project
STDERR = 2  # standard error of this process: the standard output is for the result
TRAININGS = ("train_teacher", "train_student")

# Equal bytes; other last bits and predictions within the tolerance; a contradiction; a run that is not possible here.
Verdict = Literal["reproduced", "within tolerance", "differs", "not reproducible"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of the reproduction of a stage."""

    stage: str
    verdict: Verdict
    files: int = 0  # number of recorded outs
    other_bytes: int = 0  # number of outs with other bytes, such as a report with equal content
    seconds: float = 0.0  # duration of the second run
    code: tuple[str, ...] = ()  # origin of the code in words
    conditions: tuple[str, ...] = ()  # differences of packages and hardware from the run
    differences: tuple[str, ...] = ()  # contradictions, or why the run is not possible here
    hint: str | None = None  # next step
    folder: str | None = None  # folder of the reproduction, if it was kept

    @property
    def extent(self) -> str:
        """The extent of what is equal after a reproduction, in words."""
        if self.other_bytes:
            return f"equal content, other bytes in {self.other_bytes} of {counted(self.files, 'file')}"
        return "equal bytes"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a reproduction."""

    # whether other packages than those of the run, or unknown hardware, are no reason to refuse
    anyway: bool = False
    # largest mean difference of probabilities, and fraction of cycles of another class, on other hardware
    tolerance: float = TOLERANCE
    keep: bool = False  # whether the folder is kept where all is equal
    quiet: bool = False  # whether the output of the stage is kept back


def reproduce(run: RecordedRun, options: Options) -> Outcome:
    """Run a recorded stage again, and compare its outs with the recorded ones.

    Raises:
        NotReproducibleError: Code, inputs or packages of the run are not here, or its command fails.
        BreathlineError: Another process reproduces the stage.
    """
    if "DVC_STAGE" in os.environ:
        hint = "run it outside of DVC's stages"
        raise BreathlineError("A stage cannot reproduce a stage.", where=os.environ["DVC_STAGE"], hint=hint)
    with _new_folder(run) as folder:
        folders.prepare(run, folder)
        packages = tuple(conditions.of_packages(run, folder))
        if packages and not options.anyway:
            what = f"{run.stage} ran with other packages: {'; '.join(packages)}"
            hint = "install those of the run's requirements.lock, or compare nevertheless: --anyway"
            raise NotReproducibleError(what, where=folder / "requirements.lock", hint=hint)
        started = time.perf_counter()
        _execute(run, folder, quiet=options.quiet)
        seconds = round(time.perf_counter() - started, 1)
        found = _compared(run, folder, packages, options)
        done = found.verdict in ("reproduced", "within tolerance") and not options.keep
        if done:
            shutil.rmtree(folder)
    return replace(found, seconds=seconds, folder=None if done else str(folder))


@contextmanager
def _new_folder(run: RecordedRun) -> Iterator[Path]:
    """Yield an empty folder for the stage, in place of that of an earlier reproduction."""
    folder = run.root / FOLDER / run.stage.replace("/", "_")
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout as error:
        hint = "wait for it, or end it; the lock ends with its process"
        raise BreathlineError(f"Another process reproduces {run.stage}.", where=lock.lock_file, hint=hint) from error
    with held:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        yield folder


def _execute(run: RecordedRun, folder: Path, *, quiet: bool) -> None:
    """Run the recorded command, which `folders.prepare` has compared with that of dvc.yaml.

    Raises:
        NotReproducibleError: The command fails.
    """
    env = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    env |= {
        "DVC_STAGE": run.stage,
        PROJECT: str(run.root.resolve()),  # relative paths of archives begin there
        "PATH": os.pathsep.join([str(PYTHON), env.get("PATH", os.defpath)]),
    }
    if weights := env.get(WEIGHTS):
        env[WEIGHTS] = str(Path(weights).resolve())
    done = subprocess.run(  # noqa: S602 - DVC runs the command of dvc.yaml in a shell as well
        run.record["command"],
        shell=True,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else STDERR,
        stderr=subprocess.STDOUT if quiet else None,
        check=False,
    )
    if done.returncode:
        said = (done.stdout or b"").decode(errors="replace").strip().splitlines()
        reason = f": {' '.join(said[-3:])}" if said else ", as its output tells"
        what = f"The command of {run.stage} failed with status {done.returncode}{reason}"
        raise NotReproducibleError(what, where=folder, hint=f"look for the cause with `{run.record['command']}` there")


def _compared(run: RecordedRun, folder: Path, packages: tuple[str, ...], options: Options) -> Outcome:
    made = record.read(folder, run.stage)
    if made is None:
        raise NotReproducibleError(f"{run.stage} has left no record.", where=folder, hint="look for the cause there")
    found = list(comparison.compare(run, folder, made))
    other = (*packages, *conditions.of_hardware(run)) if found else packages
    if not run.record["params"].get("compute", {}).get("deterministic", True):
        other = (*other, "compute.deterministic: false")
    verdict: Verdict = "differs" if found else "reproduced"
    if found and other and all(one.by_rounding for one in found) and run.stage.partition("@")[0] in TRAININGS:
        if conditions.UNKNOWN in other and not options.anyway:
            what = f"The weights differ, and on other hardware they may: {conditions.UNKNOWN}."
            hint = "verify with the log of the machine of the run, or compare predictions nevertheless: --anyway"
            raise NotReproducibleError(what, where=run.root, hint=hint)
        found, verdict = _by_predictions(run, folder, found, options.tolerance)
    return Outcome(
        stage=run.stage,
        verdict=verdict,
        files=sum(1 for _ in run.files("outputs")),
        other_bytes=comparison.other_bytes(run, made),
        code=tuple(folders.code_of(run.record)),
        conditions=other,
        differences=tuple(one.what for one in found),
        hint=HINT if verdict == "differs" else None,
    )


def _by_predictions(
    run: RecordedRun, folder: Path, found: list[Difference], tolerance: float
) -> tuple[list[Difference], Verdict]:
    """Return the differences with that of the predictions, and the verdict by the tolerance."""
    from lineage.reproduction.model_agreement import agreement  # imports torch

    out = next(entry["path"] for entry in run.record["outputs"] if "files" in entry)
    agreed = agreement(run, folder, out)
    within = agreed.mean <= tolerance and agreed.changed <= tolerance
    what = (
        f"predictions of {agreed.cycles} validation and test cycles: probabilities differ by {agreed.mean:.3g} on "
        f"average, {agreed.changed:.1%} of the classes differ (tolerance {tolerance:g})"
    )
    return [*found, Difference(what)], "within tolerance" if within else "differs"
