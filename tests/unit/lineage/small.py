"""Small project with every artifact, record and event, made in a second and small enough to check by hand.

Nothing is trained: networks are a few numbers, and their logits are random. Recordings, cycles, subsets, figures,
hashes and decisions are real, and so are the records, which `lineage.record_writing` writes.

Under the split `official` patients 102 and 103 train, 101 and 104 validate, 102, 105 and 106 test: 102 has a recording
on either side. The student learns from soft labels of `t1` and `t2`; `t3` is trained and
judged, but labels nothing. `t2` has a front end of its own.

With the changes `SEVERAL`, there is a second corpus to learn from and one that is only tested on. The external one has
a patient 101 as well.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pyarrow as pa
import soundfile
from ruamel.yaml import YAML
from safetensors.numpy import save_file

from lineage import code, events, foreign_modules, graph, record_writing, recorder
from models.decision_rules import KEY, DecisionRule
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.corpora.icbhi.labels import CLASSES
from tasks.extract import extract
from tasks.pool import pool
from tasks.runtime import files, params, yaml_files
from tasks.runtime.files import sha256
from tests import toy
from tests.unit.lineage import predicted

ROOT = Path(__file__).parents[3]
RATE, SECONDS = 4000, 4
RECORDINGS: dict[str, tuple[str, list[tuple[float, float, int, int]]]] = {
    "101_1b1_Tc_sc_Meditron": ("train", [(0.0, 1.5, 0, 0), (1.5, 3.0, 1, 0)]),
    "102_1b1_Al_sc_Litt3200": ("train", [(0.25, 1.25, 0, 1), (1.25, 2.5, 0, 0)]),
    "102_2b1_Al_sc_Litt3200": ("test", [(0.5, 2.0, 1, 1)]),
    "103_1b1_Tc_sc_Meditron": ("train", [(0.0, 1.0, 0, 0), (1.0, 2.0, 1, 0), (2.0, 3.5, 0, 0)]),
    "104_1b1_Tc_sc_Meditron": ("train", [(0.1, 1.6, 0, 0), (1.6, 3.1, 0, 1)]),
    "105_1b1_Tc_sc_Meditron": ("test", [(0.0, 2.0, 0, 0), (2.0, 3.9, 1, 0)]),
    "106_1b1_Tc_sc_Meditron": ("test", [(0.3, 2.3, 0, 1)]),
}
# Times of all runs: now, because a run is not older than the commit of its code.
STARTED = datetime.now(UTC).isoformat(timespec="milliseconds")
ENDED = (datetime.fromisoformat(STARTED) + timedelta(seconds=1)).isoformat(timespec="milliseconds")
SECOND: dict[str, tuple[str, list[tuple[float, float, int, int]]]] = {
    "201_1b1_Tc_sc_Meditron": ("train", [(0.0, 1.5, 0, 0), (1.5, 3.0, 1, 0)]),
    "202_1b1_Tc_sc_Meditron": ("train", [(0.0, 1.0, 0, 1), (1.0, 2.5, 0, 0)]),
    "203_1b1_Tc_sc_Meditron": ("test", [(0.0, 2.0, 0, 0), (2.0, 3.5, 1, 1)]),
}
HOSPITAL: dict[str, tuple[str, list[tuple[float, float, int, int]]]] = {
    "101_1b1_Tc_sc_Meditron": ("train", [(0.0, 1.2, 0, 1)]),
    "301_1b1_Tc_sc_Meditron": ("test", [(0.0, 2.0, 1, 0), (2.0, 3.0, 0, 0)]),
}
NO_MODULES = foreign_modules.ForeignModules({}, (), ())
CORPUS: dict[str, Any] = {"format": "icbhi", "source": "archive", "path": "small.zip", "expect": "partial"}
SEVERAL: dict[str, Any] = {"corpora": {"second": CORPUS}, "external": {"hospital": CORPUS}}
NETWORK: dict[str, Any] = {"architecture": "ast", "options": {}, "weights": "scratch"}
TEACHERS: dict[str, dict[str, Any]] = {
    "t1": {**NETWORK, "frontend": "ast", "seed": 11, "override": {}},
    "t2": {**NETWORK, "frontend": "panns", "seed": 12, "override": {}},
    "t3": {**NETWORK, "frontend": "ast", "seed": 13, "override": {}},
}


def build(root: Path, changes: Mapping[str, Any] | None = None, *, top: Path | None = None) -> Path:
    """Write the project, with changes of params.yaml, as a clean Git repository with one commit; return its folder.

    With `top`, that folder above the project is the Git repository.
    """
    root.mkdir(parents=True, exist_ok=True)
    for folder in ("tasks", "models"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "requirements.lock", ".gitignore", ".dvcignore"):
        shutil.copy2(ROOT / name, root / name)
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(params.merge(_parameters(), changes or {}), root / "params.yaml")
    toy.call(top or root, "git", "init", "--quiet")
    toy.commit(root, "A small project")
    run(root)
    return root


def run(root: Path) -> None:
    """Make every artifact of a project anew, with records and events, from the present params.yaml."""
    with (
        # Read once, not for every stage. The modules that this process has imported are not those of the project.
        mock.patch.object(code, "environment", return_value=_environment()),
        mock.patch.object(code, "imported_modules", return_value={}),
        mock.patch.object(foreign_modules, "accepted", return_value=NO_MODULES),
        mock.patch.object(foreign_modules, "so_far", return_value=NO_MODULES),
        mock.patch.object(yaml_files, "parse", lambda text, path: deepcopy(_parsed(text, path))),
    ):
        _make(root)


def _make(root: Path) -> None:
    read, stages = params.read(root / "params.yaml"), graph.read(root)
    for name in stages:
        group, _, item = name.partition("@")
        corpus = artifacts.corpus_of(name)
        start = {"stage": name, "user": "anna", "host": "small", "gpus": [], "at": STARTED}
        first = events.append(root, {"event": "start", **start})
        if corpus is None:
            _MAKERS[group](root, read, item)
        else:
            _MAKERS_OF_CORPORA[corpus[0]](root, corpus[1], corpus[2])
        module = f"tasks/{corpus[0] if corpus else group}.py"
        begun = replace(record_writing.begin(root, name), modules={module: sha256(root / module)})
        path = record_writing.write(root, begun, predicted.decide(root, read, name))
        end = {"stage": name, "start": first, "status": "done", "seconds": 1.0, "at": ENDED}
        facts = recorder.facts_of(json.loads(path.read_text()))
        events.append(root, {"event": "end", **end, "record": sha256(path), **facts})


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    loaded = json.loads(path.read_text(encoding="utf-8"))
    change(loaded)
    path.write_text(json.dumps(loaded), encoding="utf-8")


def lock(root: Path) -> None:
    """Let DVC write dvc.lock and its cache, and commit them; this takes seconds."""
    toy.call(root, "dvc", "init", "--quiet", *([] if (root / ".git").exists() else ["--subdir"]))
    toy.call(root, "dvc", "commit", "--quiet", "--force")
    toy.commit(root, "A run")
    toy.call(root, "git", "gc", "--quiet")  # one file in place of hundreds, which each test copies


_parsed = cache(yaml_files.parse)


@cache
def _environment() -> dict[str, Any]:
    return code.environment(ROOT)


def _parameters() -> dict[str, Any]:
    values = params.read(ROOT / "params.yaml")
    student = values["student"] | NETWORK | {"frontend": "ast"} | {"seeds": [1, 2]}
    return values | {
        "corpora": {"icbhi": CORPUS},
        "external": {},
        "labels": "lungsound_4",
        "heads": {},
        "split": "official",
        "validation": {"fraction": 0.2, "seed": 0},
        "selections": ["val"],
        "frontends": {"ast": {"duration_s": 2.5}, "panns": {"duration_s": 2.5}},
        "weights": {"scratch": {"source": "none", "sha256": None}},
        "teachers": TEACHERS,
        "soft_labels": values["soft_labels"] | {"k": 2, "choose": "first", "exposure": "in_sample"},
        "evaluation": values["evaluation"] | {"resamples": 50},
        "student": student,
    }


def recordings_of(corpus: str) -> dict[str, tuple[str, list[tuple[float, float, int, int]]]]:
    """Return side and annotated cycles of each recording of a corpus."""
    return {"icbhi": RECORDINGS, "second": SECOND, "hospital": HOSPITAL}[corpus]


def _download(root: Path, corpus: CorpusFolders, _frontend: str | None) -> None:
    recordings, raw = recordings_of(corpus.name), root / corpus.raw
    audio, metadata = raw / "audio", raw / "metadata"
    for folder in (audio, metadata):
        folder.mkdir(parents=True, exist_ok=True)
    for name, (_, cycles) in recordings.items():
        seed = [int(name[:3]) * 10 + int(name[4]), *([] if corpus.name == "icbhi" else [len(corpus.name)])]
        noise = np.random.default_rng(seed).uniform(-0.3, 0.3, SECONDS * RATE)
        soundfile.write(audio / f"{name}.wav", noise, RATE, subtype="PCM_16")
        (audio / f"{name}.txt").write_text("".join(f"{a}\t{b}\t{c}\t{w}\n" for a, b, c, w in cycles))
    patients = sorted({name[:3] for name in recordings})
    written = {
        "ICBHI_challenge_train_test.txt": [f"{name}\t{side}" for name, (side, _) in recordings.items()],
        "ICBHI_Challenge_diagnosis.txt": [f"{patient}\tCOPD" for patient in patients],
        "ICBHI_Challenge_demographic_information.txt": [f"{patient}\t60\tF\t22\tNA\tNA" for patient in patients],
        "patient_list_foldwise.txt": [f"{patient} {int(patient) % 5}" for patient in patients],
    }
    for name, lines in written.items():
        (metadata / name).write_text("\n".join(lines) + "\n")
    files.write_json(raw / "source.json", _source(corpus.name, len(recordings), metadata))


def _source(corpus: str, number: int, metadata: Path) -> dict[str, Any]:
    count = {"recordings": number}
    if corpus == "icbhi":
        identity = {"name": "icbhi-part", "statement": f"A part of ICBHI 2017 ({number} of 920 recordings)"}
        identity |= {"evidence": "Claimed by the test.", "verified": True, "complete": False, "known_recordings": 920}
    else:
        identity = {"name": "own", "statement": f"An own corpus `{corpus}` ({number} recordings)"}
        identity |= {"evidence": "Claimed by the test.", "verified": False, "complete": True}
    source = {"format": "icbhi", "identity": identity | count, "source": "archive", "expect": "partial", **count}
    archive, missing = ("small", ["199_1b1_Tc_sc_Meditron"]) if corpus == "icbhi" else (corpus, [])
    source |= {"archive": {"name": f"{archive}.zip", "sha256": "5" * 64, "bytes": 5}, "missing": missing}
    source |= {"excluded": {}, "corrections": [], "annotations_without_recording": 0, "other_files": 0}
    return source | {"metadata": {path.name: sha256(path) for path in sorted(metadata.iterdir())}}


def _extract(root: Path, corpus: CorpusFolders, _frontend: str | None) -> None:
    folders = (root / folder for folder in (corpus.raw, corpus.tables, corpus.waveforms))
    extract(*folders, rates=[16_000, 32_000], workers=1)


def _validate(root: Path, corpus: CorpusFolders, _frontend: str | None) -> None:
    totals = dict.fromkeys(("expectations", "holding", "warnings", "errors"), 0)
    files.write_json(root / corpus.verdicts, {"success": True, "totals": totals, "expectations": []})
    (root / corpus.data_docs).mkdir(parents=True, exist_ok=True)
    (root / corpus.data_docs / "index.html").write_text("<p>all well</p>\n")


def _fbank(root: Path, corpus: CorpusFolders, frontend: str | None) -> None:
    assert frontend is not None
    ids = pl.read_parquet(root / corpus.tables / "cycles.parquet")["cycle_id"].to_list()
    out = root / corpus.features(frontend)
    out.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng([len(frontend), len(corpus.name)]).normal(size=(len(ids), 5, 3))
    np.save(out / "features.npy", values.astype(np.float16))
    rows = pa.array(range(len(ids)), pa.int32())
    files.write_table(out / "index.parquet", pa.table({"cycle_id": ids, "row": rows}))
    files.write_json(out / "statistics.json", {"frontend": frontend, "cycles": len(ids), "frames": 5, "mels": 3})


def _pool(root: Path, read: Mapping[str, Any], _item: str) -> None:
    folders = {name: root / CorpusFolders("training", name).tables for name in sorted(read["corpora"])}
    pool(folders, root / artifacts.POOL)


def _external(root: Path, read: Mapping[str, Any], _item: str) -> None:
    tests = {name: read["external"][name].get("test", "all") for name in sorted(read["external"])}
    files.write_json(root / artifacts.EXTERNAL_CORPORA, tests)
    files.write_json(root / artifacts.EXTERNAL_VALIDATED, {"corpora": list(tests)})


def _weights(root: Path, _read: Mapping[str, Any], item: str) -> None:
    about = {"name": item, "source": "none", "sha256": None, "licence": None, "parameters": 0}
    files.write_json(root / "data/weights" / item / "source.json", about)


def _model(root: Path, read: Mapping[str, Any], folder: str, network: Mapping[str, Any], seed: int) -> None:
    out = root / folder
    out.mkdir(parents=True, exist_ok=True)
    selections = {}
    for number, name in enumerate(read["selections"]):
        save_file({"w": np.full(4, seed + number, np.float32)}, out / f"{name}.safetensors")
        selections[name] = {"epoch": 1, "score_strict": 50.0 + seed}
    rule = DecisionRule(strict=0.25, lenient=0.3, temperature=1.5)
    if folder == "data/student/2":
        rule = rule.with_threshold("strict")
    card = {"labels": read["labels"], "classes": list(CLASSES[read["labels"]]), "seed": seed, "selections": selections}
    card[KEY] = dict.fromkeys(read["selections"], rule.card())
    about = {key: network[key] for key in ("architecture", "options", "frontend", "weights")}
    files.write_json(out / "model.json", card | about | {"frames": 5, "mels": 3})
    (out / "history.csv").write_text("epoch,lr,train_loss,val_score_strict\n1,0.1,1.0,50.0\n")


def _train_teacher(root: Path, read: Mapping[str, Any], item: str) -> None:
    teacher = read["teachers"][item]
    _model(root, read, f"data/teachers/{item}", teacher, teacher["seed"])


def _export(root: Path, read: Mapping[str, Any], _item: str) -> None:
    for seed in read["student"]["seeds"]:
        student, out = root / f"data/student/{seed}", root / f"data/export/{seed}"
        out.mkdir(parents=True, exist_ok=True)
        shutil.copy2(student / "val.safetensors", out / "model.safetensors")
        card = json.loads((student / "model.json").read_text())
        files.write_json(out / "model.json", {**card, "format": 1, "id": f"{seed:016}"})


def _report(root: Path, read: Mapping[str, Any], item: str) -> None:
    (root / "reports/report.html").write_text("<p>report</p><!-- provenance -->1<!-- /provenance -->\n")


_MAKERS = {
    "report": _report,
    "pool": _pool,
    "external": _external,
    "evaluate": predicted.evaluate,
    "explain": predicted.explain,
    "export": _export,
    "weights": _weights,
    "train_teacher": _train_teacher,
    "train_student": lambda root, read, item: _model(root, read, f"data/student/{item}", read["student"], int(item)),
    "soft_labels": predicted.soft_labels,
}
_MAKERS_OF_CORPORA = {"download": _download, "extract": _extract, "validate": _validate, "fbank": _fbank}
