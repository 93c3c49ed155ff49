"""Checks of the installation: Python, the environment, the code, the packages. Nothing slow is imported."""

import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from cli.doctor.check_result import CheckResult, result
from lineage.environment import read_lock
from tasks.runtime.words import listed

PYTHONS = ((3, 11), (3, 14))
CONTAINERS = ("WAV", "FLAC", "OGG", "MP3")


def python(root: Path) -> Iterator[CheckResult]:
    """Check that the project supports this version of Python."""
    wrong = not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]
    advice = "use Python 3.11, 3.12 or 3.13: `make setup PYTHON=python3.12`"
    yield result("Python", f"{sys.version.split()[0]} at {sys.executable}", advice, wrong=wrong, state="problem")


def environment(root: Path) -> Iterator[CheckResult]:
    """Check that the environment is that of the project, also for the `python` of a stage."""
    own, first = Path(sys.prefix), shutil.which("python")
    if own != root / ".venv":
        advice = "`make setup` builds the locked one in .venv"
        yield CheckResult("environment", "warning", str(own), advice)
    else:
        advice = 'for `dvc repro` by hand: export PATH="$PWD/.venv/bin:$PATH" (make and `breathline run` do it)'
        wrong = first is None or Path(first).parent != own / "bin"
        yield result("environment", f"{own}, but `python` is {first}" if wrong else str(own), advice, wrong=wrong)


def code(root: Path) -> Iterator[CheckResult]:
    """Check that the commands are imported from the project, whose code the stages run."""
    from flows import code_tree

    if code_tree.is_other_tree(root):
        advice = "start the command in the project, with the environment that `make setup` makes there"
        yield CheckResult("code", "problem", f"{code_tree.OWN}, but the stages run that of {root}", advice)
    else:
        yield CheckResult("code", "ok", str(code_tree.OWN))


def packages(root: Path) -> Iterator[CheckResult]:
    """Compare the versions that are installed with requirements.lock."""
    from packaging.requirements import Requirement

    lock = root / "requirements.lock"
    if not lock.is_file():
        yield CheckResult("packages", "problem", f"{lock} is missing", "run in the project's root")
        return
    lines = read_lock(lock).splitlines()
    locked = [Requirement(line.rstrip("\\ ")) for line in lines if line and line[0].isalnum()]
    applicable = [item for item in locked if item.marker is None or item.marker.evaluate()]
    absent, other = [], []
    for item in applicable:
        try:
            version = metadata.version(item.name)
        except metadata.PackageNotFoundError:
            absent.append(item.name)
        else:
            if not item.specifier.contains(version, prereleases=True):
                other.append(f"{item.name} {version} (locked {item.specifier})")
    if absent:
        found = f"not installed: {listed(absent)}" + (f"; other versions: {listed(other)}" if other else "")
        yield CheckResult("packages", "problem", found, "`make setup`")
    elif other:
        yield CheckResult("packages", "warning", listed(other), "install the locked versions: `make setup`")
    else:
        yield CheckResult("packages", "ok", f"all {len(applicable)} as locked")


def decoders(root: Path) -> Iterator[CheckResult]:
    """Check that libsndfile is installed and decodes the usual containers."""
    try:
        import soundfile
    except OSError as error:  # the package is there, its library is not
        yield CheckResult("decoders", "problem", f"libsndfile: {error}", "install libsndfile, or `make setup`")
        return
    missing = [name for name in CONTAINERS if name not in soundfile.available_formats()]
    found = f"libsndfile {soundfile.__libsndfile_version__}" + (f" without {', '.join(missing)}" if missing else "")
    yield result("decoders", found, "update libsndfile to 1.1 or newer", wrong=bool(missing))


CHECKS = (python, environment, code, packages, decoders)
