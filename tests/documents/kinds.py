"""Kinds of commands in the documents, and where each kind is run.

Patterns match whole commands. A command that no pattern matches fails a test, and so does a pattern without a command.
"""

import re
from collections.abc import Iterable

# In `make test`, by tests/unit/test_commands_run.py.
PARAMETERS = (  # in a folder with params.yaml, recipes and recordings, in which nothing has run
    r"breathline recipe (list|show \S+)",
    r"breathline recipe use .*",
    r"breathline corpus add mine .*",
)
RUN = (  # in the small run (tests/unit/lineage/small.py)
    r"breathline plan.*",
    r"breathline report( --json .*)?",
    r"breathline registry list",
    r"breathline audit (trace|verify|log|export)\b(?! --absent| student@).*",
)
MODEL = (  # beside the export of a model, recordings and a log of use
    r"breathline predict (?!.*(--engine torch|data/raw|student@)).*",
    r"breathline monitor .*",
)
# In `make test-long`, by tests/pipeline/test_commands_run.py: in the project after `make demo`, with those above.
DEMO = (
    r"make demo",
    r"(cat|cp) .*",
    r"export .*",
    r"(BREATHLINE_TASK_RUNNER=processes )?dvc (repro|exp run|exp show|metrics diff|plots diff)\b.*",
    r"breathline registry (promote|show)\b.*",
    r"breathline export .*",
    r"breathline leaderboard (ast_ce best --small --corpus demo|--collect)",
    r"breathline report --compare .*",
    r"breathline audit (diff|reproduce|trace student@)\b.*",
    r"breathline predict .*(--engine torch|data/raw|student@).*",
    r"breathline run --(jobs 2|target soft_labels --force fbank|task-runner processes)",
    r"breathline (watch|withdraw patient:\d+) --dry",
    r"breathline serve-model( data/export/1 --port 8080)?",
    r"curl (-F|-H 'Content-Type).* http://127\.0\.0\.1:8000/predict",
    r"python (exported|lungs)/use\.py .*",
    r"python -m tests\.recompute",
    r"python docs/screenshots\.py (?!.*--ui).*",
    r"openssl .*",
    r"breathline doctor( --deep)?",
    r"BREATHLINE_DEBUG=1 breathline plan",
    r"git (add --all && git commit|checkout) .*",
    r"sed -i .* reports/metrics\.json && breathline audit verify",
)
# Commands that end with another status than 0: the documents show their error, or say why they refuse the demo.
STATUS = {
    """sed -i 's/"cycles": 376/"cycles": 375/' reports/metrics.json && breathline audit verify""": 1,
    "breathline corpus add mine --audio recordings --table bad.csv": 1,
    "breathline registry promote": 1,
    "breathline watch --dry": 1,
}
_SUITE = "it runs or prepares the tests themselves"
_DOCKER = "it needs Docker and the internet; tests/unit/tasks/serving/test_image.py holds what the image contains"
_SERVER = "it needs a Prefect server on port 4200; tests/pipeline/test_deployments.py runs the same with one of its own"
_WORKERS = "it needs workers; tests/pipeline/test_workers.py runs the same"
_DASK = "it starts a cluster; tests/pipeline/test_dask.py runs the same"
_TRAINING = "it trains or measures for long, or on real recordings"
_ACCOUNT = "it needs the internet or an account"
_ADMINISTRATOR = "it belongs to another machine or program than Breathline"
_OWN = "its files are those of own recordings; tests/unit/flows/test_registry.py promotes such new files"
_WITHDRAWN = "it erases data for good, or comes after it; tests/pipeline/test_removal.py runs the same"
NOT_RUN = {
    r"make (setup|test|test-quick|check|format|docs|lint types)": _SUITE,
    r"(git clone|cd|source) .*": _SUITE,
    r"python -m (pytest|tasks\.parameters\.schema).*": _SUITE,
    r"breathline models small_cnn": "its network is that of the page; tests/unit/test_site.py builds it",
    r"breathline report --open": "it opens a browser",
    r"(docker|kubectl) .*": _DOCKER,
    r"python docs/screenshots\.py .*--ui .*": _SERVER,
    r"breathline deploy.*": _SERVER,
    r"breathline serve( --.*)?": _SERVER,
    r"prefect (deployment run|flow-run cancel) .*": _SERVER,
    r"(PREFECT_SERVER_\S+ )*prefect server .*": _SERVER,
    r"(BREATHLINE_CLONES=\S+ )?prefect worker start .*": _WORKERS,
    r"breathline run .*--on .*": _WORKERS,
    r"git (init .*|add \.dvc/config)": _WORKERS,
    r"git (add params\.yaml|commit -m) .*": _OWN,
    r"git add --update && git commit .*": _WITHDRAWN,
    r"dvc remote add .*": _WORKERS,
    r"breathline run --task-runner dask.*": _DASK,
    r"breathline (leaderboard (?!ast_ce best|--collect)|backfill|watch --margin).*": _TRAINING,
    r"breathline run --recipe mn_sam": _TRAINING,
    r"(nohup )?breathline run --jobs 4.*": _TRAINING,
    r"torchrun .*|dvc commit .*": _TRAINING,
    r"([A-Z_]+=\S+ |nice (-n \d+ )?|/usr/bin/time -v )*python -m benchmarks\..*": _TRAINING,
    r"(pip install|hf|uv run) .*": _ACCOUNT,
    r"(createdb|pg_dump|sqlite3|git pull) .*": _ADMINISTRATOR,
    r"(breathline serve-model --allow-host|curl .*Bearer) .*": _ADMINISTRATOR,
    r"breathline withdraw patient:\d+": _WITHDRAWN,
    r"breathline audit (absent|verify --absent) .*": _WITHDRAWN,
    r"dvc push": _WITHDRAWN,
}


def matching(patterns: Iterable[str], command: str) -> list[str]:
    """Return the patterns that match a whole command."""
    return [pattern for pattern in patterns if re.fullmatch(pattern, command, flags=re.DOTALL)]
