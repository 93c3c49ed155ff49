"""A project whose artifacts every stage and command can read, and ways to damage them."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

from lineage import graph
from lineage.files import describe
from models import artifact as networks
from models import file_names
from models.frontends.registry import create_array as create_front_end
from models.networks.registry import create as create_network
from tasks import artifacts
from tasks.corpora.settings import configured
from tasks.features import cache
from tasks.runtime import files, params
from tasks.runtime.artifact_reading import read_json

SECONDS = 1.0  # length of a clip
TINY = {"size": "tiny", "depth": 1, "stride": 16}
PUBLISHED = "published"  # initial weights with a file of tensors

DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size)),
    "missing": lambda path: path.unlink(),
}


def build(small: Path, root: Path) -> Path:
    """Return a copy of the small project, with features and networks that stages and commands can use."""
    shutil.copytree(small, root)
    read = params.read(root / "params.yaml")
    for name in read["frontends"]:
        front_end = create_front_end(name, SECONDS)
        for corpus in configured(read):
            waveforms = root / corpus.waveforms / f"{front_end.sample_rate}.parquet"
            cycles, out = root / corpus.tables / artifacts.CYCLES.name, root / corpus.features(name)
            cache.build(front_end, cycles, waveforms, out, duration_s=SECONDS, workers=1)
    for folder in (artifacts.TEACHERS, artifacts.STUDENTS):
        for card in root.glob(f"{folder}/*/{file_names.CARD}"):
            _write_network(root, card)
            _record_network(root, card.parent.relative_to(root))
    weights = root / artifacts.WEIGHTS / PUBLISHED
    about = {"name": PUBLISHED, "source": "hf:a/b/c", "sha256": "a" * 64, "licence": None, "parameters": 4}
    files.write_json(weights / file_names.SOURCE, about)
    shutil.copy2(min(root.glob(f"{artifacts.TEACHERS}/*/val.safetensors")), weights / file_names.WEIGHTS)
    network, training = {"weights": PUBLISHED, "options": TINY}, {"batch_size": 2}
    changes = {"teachers": {"t1": network}, "teacher_training": training, "student": network | training}
    changes["frontends"] = {name: {"duration_s": SECONDS} for name in read["frontends"]}
    YAML().dump(params.merge(read, changes), root / "params.yaml")
    return root


def _write_network(root: Path, card: Path) -> None:
    """Replace a network of the small project by an untrained one that has its card."""
    known: Mapping[str, Any] = read_json(card)
    caches = root / artifacts.FEATURE_CACHES / known["frontend"]
    statistics = read_json(min(caches.rglob(file_names.STATISTICS)))
    shape = {key: statistics[key] for key in ("frames", "mels")}
    torch.manual_seed(known["seed"])
    network = create_network("ast", **shape, classes=len(known["classes"]), options=TINY, weights=None)
    about = {**known, **shape, "options": TINY, "duration_s": SECONDS, "parameters": 1}
    networks.save(card.parent, {"val": network.state_dict()}, about)
    (card.parent / file_names.HISTORY).write_text("epoch,train_loss,val_score_strict\n1,1.0,50.0\n", encoding="utf-8")


def _record_network(root: Path, folder: Path) -> None:
    """Write the hashes of a network's files into the record of its training, as `predict` compares them."""
    kind = "train_teacher" if folder.parent == artifacts.TEACHERS else "train_student"
    path = root / artifacts.RECORDS / f"{kind}@{folder.name}.json"
    files.write_json(path, read_json(path) | {"outputs": describe(root, [folder.as_posix()])})


def inputs(root: Path) -> Iterator[tuple[str, artifacts.Artifact, Path]]:
    """Yield one stage of each group, each artifact of the catalogue among its inputs, and a file of that artifact."""
    seen: set[tuple[str, Path]] = set()
    for name, stage in graph.read(root).items():
        for artifact in artifacts.CATALOGUE:
            paths = sorted(path.relative_to(root) for path in root.glob(str(artifact.pattern)))
            read = [path for path in paths if any(path.is_relative_to(given) for given in stage.inputs)]
            key = (name.partition("@")[0], artifact.pattern)
            if read and key not in seen:
                seen.add(key)
                yield name, artifact, read[0]
