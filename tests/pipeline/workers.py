"""Workers of a server, and a graph whose stages note in which folders they ran."""

import subprocess
import sys
from pathlib import Path

# `heavy` and `light` are independent. What `heavy` leaves to Git, DVC's run-cache does not carry.
GRAPH = """\
stages:
  source:
    cmd: {note} && tr a-z A-Z < src.txt > source.txt
    deps: [src.txt]
    outs: [source.txt]
  heavy:
    cmd: >-
      {note} && mkdir -p data/heavy plots && cat code/add.txt source.txt > data/heavy/model &&
      echo '{{"rho": '$(grep -o '0[.].*' params.yaml)'}}' > heavy.json && echo x,y > plots/a.csv
    deps: [source.txt, code]
    params: [rho]
    outs: [data/heavy, {{heavy.json: {{cache: false}}}}]
    plots: [plots/a.csv: {{cache: false}}]
  light:
    cmd: {note} && wc -l < source.txt > light.txt
    deps: [source.txt]
    outs: [light.txt]
  last:
    cmd: {note} && cat data/heavy/model light.txt heavy.json > last.txt
    deps: [data, light.txt, heavy.json]
    outs: [last.txt]
  moment:
    cmd: {note} && date +%s%N > moment.txt
    deps: [source.txt]
    outs: [moment.txt]
  bad:
    cmd: cat source.txt && echo the cause && exit 1
    deps: [source.txt]
    outs: [bad.txt]
  endless:
    cmd: echo $$ > {pid} && sleep 300 && echo > endless.txt
    deps: [source.txt]
    outs: [endless.txt]
"""
NOTE = "echo $DVC_STAGE $PWD >> {file}"


def start_worker(pool: str, folder: Path, server: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool]
    env = server | {"BREATHLINE_CLONES": str(folder), "PREFECT_WORKER_QUERY_SECONDS": "1"}
    with (folder / "worker.log").open("w") as log:
        return subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)


def ran(project: Path) -> dict[str, list[str]]:
    """Return the folders in which each stage has run so far."""
    lines = (project.parent / "where").read_text().split("\n")[:-1]
    found: dict[str, list[str]] = {}
    for line in lines:
        stage, folder = line.split()
        found.setdefault(stage.split(":")[-1], []).append(folder)
    return found
