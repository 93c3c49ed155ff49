"""Checks of environment variables: locale, cluster, threads, proxies, Prefect, telemetry, Breathline's own."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.doctor.check_result import CheckResult, result
from flows import prefect_settings
from tasks.runtime.errors import BreathlineError
from tasks.sources import proxies

CLUSTER = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
ANSWER_S = 1.0  # time in which a Prefect server has to answer


def encoding(root: Path) -> Iterator[CheckResult]:
    """Check that file names and the terminal can hold every character."""
    found = {"terminal": sys.stdout.encoding or "none", "file names": sys.getfilesystemencoding()}
    wrong = any(name.lower().replace("-", "") != "utf8" for name in found.values())
    advice = "export LC_ALL=C.UTF-8, and unset PYTHONIOENCODING and PYTHONUTF8"
    yield result("encoding", ", ".join(f"{key} {value}" for key, value in found.items()), advice, wrong=wrong)


def cluster(root: Path) -> Iterator[CheckResult]:
    """Check for variables of a launcher of several processes, which may be left over."""
    names = [name for name in CLUSTER if name in os.environ]
    if names and "TORCHELASTIC_RUN_ID" not in os.environ:
        found = ", ".join(f"{name}={os.environ[name]}" for name in names)
        yield CheckResult("cluster", "warning", found, f"`unset {' '.join(names)}`: no launcher such as torchrun runs")
        return
    job = os.environ.get("SLURM_JOB_ID")
    yield CheckResult("cluster", "ok", f"SLURM job {job}" if job else "no variables of a launcher")


def threads(root: Path) -> Iterator[CheckResult]:
    """Check the variables that set numbers of threads."""
    from tasks.runtime.hardware import usable_cores

    values = {name: os.environ[name] for name in THREADS if name in os.environ}
    wrong = [name for name, value in values.items() if not value.isdecimal() or not 0 < int(value) <= usable_cores()]
    found = ", ".join(f"{name}={value}" for name, value in values.items()) or "not set"
    advice = f"`unset {' '.join(wrong)}`, or a number from 1 to {usable_cores()}, the cores of this process"
    yield result("threads", found, advice, wrong=bool(wrong))


def proxy(root: Path) -> Iterator[CheckResult]:
    """Check the proxies of downloads; addresses are shown without passwords."""
    found = ", ".join(f"{name}={proxies.shown(value)}" for name, value in proxies.variables().items()) or "none"
    try:
        proxies.check()
    except BreathlineError as error:
        yield CheckResult(
            "proxy", "problem", f"{found}: {error.what}", f"{error.hint}: nothing can be downloaded otherwise"
        )
    else:
        yield CheckResult("proxy", "ok", found)


def prefect_server(root: Path) -> Iterator[CheckResult]:
    """Check that the Prefect server answers that the environment, Prefect's profile or the project names."""
    prefect_settings.check(root)
    where, url = _prefect_url(root)
    if url is None:
        from flows import prefect_folder

        prefect_folder.check()
        yield CheckResult("Prefect server", "ok", "none is set: a run starts a temporary one")
        return
    import httpx

    try:
        trust = urlsplit(url).hostname not in proxies.LOOPBACK  # a server of this machine is not behind a proxy
        httpx.get(f"{url}/health", timeout=ANSWER_S, trust_env=trust).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, ImportError) as error:
        advice = "start it (`prefect server start`), or remove the setting; `dvc repro` needs none"
        yield CheckResult("Prefect server", "problem", f"{url} ({where}) does not answer: {error}", advice)
    else:
        yield CheckResult("Prefect server", "ok", f"{url} ({where})")


def telemetry(root: Path) -> Iterator[CheckResult]:
    """Check that the telemetry of Prefect, Great Expectations and the hub is off; DVC's is in its configuration."""
    from flows.processes.process_groups import NO_TELEMETRY

    settings = _prefect_settings(root).get("server", {})
    off = {"PREFECT_SERVER_ANALYTICS_ENABLED"} if settings.get("analytics_enabled") is False else set()
    switches = {name for name in NO_TELEMETRY if name not in ("DO_NOT_TRACK", "DVC_NO_ANALYTICS")}
    off |= {name for name in switches if os.environ.get(name) == NO_TELEMETRY[name]}
    if os.environ.get("DO_NOT_TRACK") == "1":
        off |= {"PREFECT_SERVER_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY"}
    # The stage `validate` switches off that of Great Expectations itself.
    on = sorted(switches - off - {"GX_ANALYTICS_ENABLED"})
    advice = "export " + " ".join(f"{name}={NO_TELEMETRY[name]}" for name in on) + " (make and `breathline run` do it)"
    yield result("telemetry", f"on without {', '.join(on)}" if on else "off", advice, wrong=bool(on))


def own_variables(root: Path) -> Iterator[CheckResult]:
    """Check variables that Breathline and DVC read: DVC_STAGE, BREATHLINE_WEIGHTS."""
    inside = os.environ.get("DVC_STAGE")
    if inside:
        yield CheckResult("DVC_STAGE", "warning", inside, "`unset DVC_STAGE`, or `breathline run` refuses to start")
    folder = os.environ.get("BREATHLINE_WEIGHTS")
    if folder is None:
        yield CheckResult("weights", "ok", "BREATHLINE_WEIGHTS is not set: pretrained weights are downloaded")
    else:
        found = f"BREATHLINE_WEIGHTS={folder}" + ("" if Path(folder).is_dir() else ", which is not a folder")
        wrong = not Path(folder).is_dir()
        yield result("weights", found, "correct or unset the variable", wrong=wrong, state="problem")


def _prefect_url(root: Path) -> tuple[str, str | None]:
    """Return where the address of the Prefect server is set, and the address; reading it by Prefect takes a second."""
    if url := os.environ.get("PREFECT_API_URL"):
        return "PREFECT_API_URL", url
    if url := _prefect_settings(root).get("api", {}).get("url"):
        return "pyproject.toml", str(url)
    path = prefect_settings.profiles()
    profiles = prefect_settings.read(path)
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    return str(path), profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL")


def _prefect_settings(root: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = prefect_settings.read(root / prefect_settings.PROJECT).get("tool", {}).get("prefect", {})
    return found


CHECKS = (encoding, cluster, threads, proxy, prefect_server, telemetry, own_variables)
