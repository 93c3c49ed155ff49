"""Copies of a patient's data in every kind of store, and a run of the stages without the patient."""

import gzip
import shutil
from pathlib import Path
from unittest import mock

import numpy as np
from safetensors.numpy import save_file

from lineage import error_texts
from tasks.runtime.errors import BreathlineError
from tests import independent_search, toy
from tests.unit.lineage import small

PATIENT = "103"  # trains
QUESTION = f"patient:{PATIENT}"
WAV = "data/raw/icbhi/audio/103_1b1_Tc_sc_Meditron.wav"
EXPORT = "reports/audit/others.json"  # an export without the patient
HANDED_OUT = "handed_out/wavs.zip"  # a file of the user
IN_GIT, LINK = "samples/breath.wav", "data/student/7/more"  # a recording on another branch; a link to another folder


def without_patient(root: Path) -> None:
    """Make every artifact again without the patient, with other weights and features, as a run of the stages does."""
    left = {name: value for name, value in small.RECORDINGS.items() if not name.startswith(PATIENT)}
    make_model, make_features = small._model, small._MAKERS_OF_CORPORA["fbank"]

    def model(root: Path, read: dict, folder: str, network: dict, seed: int) -> None:
        make_model(root, read, folder, network, seed)
        for path in (root / folder).glob("*.safetensors"):
            save_file({"w": np.full(4, seed + 100, np.float32)}, path)

    def features(root: Path, corpus: object, frontend: str) -> None:
        make_features(root, corpus, frontend)
        path = root / corpus.features(frontend) / "features.npy"
        np.save(path, np.load(path) + np.float16(1))

    shutil.rmtree(root / "data/raw")
    makers = mock.patch.dict(small._MAKERS_OF_CORPORA, {"fbank": features})
    with mock.patch.object(small, "RECORDINGS", left), mock.patch.object(small, "_model", model), makers:
        small.run(root)
    toy.call(root, "dvc", "commit", "--quiet", "--force")


def spread(root: Path, remote: Path) -> None:
    """Leave copies of a patient's data in every kind of store."""
    toy.call(root, "dvc", "remote", "add", "--default", "store", str(remote))
    toy.call(root, "dvc", "push", "--quiet", "--run-cache")
    toy.commit(root, "a remote")
    toy.call(root, "git", "tag", "student@v1.0.0")
    commit = toy.call(root, "git", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "an experiment").strip()
    toy.call(root, "git", "update-ref", "refs/exps/ab/cdef/first", commit)
    toy.call(root, "git", "checkout", "--quiet", "-b", "samples")
    (root / IN_GIT).parent.mkdir()
    shutil.copy(root / WAV, root / IN_GIT)
    toy.call(root, "git", "add", "--force", IN_GIT)  # .gitignore names sound files
    toy.commit(root, "a sample")
    toy.call(root, "git", "checkout", "--quiet", "-")
    toy.call(root, "git", "hash-object", "-w", str(Path(WAV).with_suffix(".txt")))
    for name in ("scratch", "elsewhere"):
        (root.parent / name).mkdir()
    (root / ".checkpoints").symlink_to(root.parent / "scratch")
    (root / LINK).parent.mkdir()
    (root / LINK).symlink_to(root.parent / "elsewhere")
    wav = (root / WAV).read_bytes()
    for name in (".checkpoints/ab/training.pt", ".dvc/tmp/models/x/copy", "data/student/7/old.wav"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(wav)
    (root / ".lineage/torn-1.txt").write_text('{"error": "103_1b1_Tc_sc_Meditron"')
    error_texts.keep(root, BreathlineError("1 recording of the table is missing: Anna-Meyer-left.wav."))
    workspace = root / ".leaderboard/mn"
    for name in ("data", ".lineage"):
        shutil.copytree(root / name, workspace / name)
    shutil.copy(root / "dvc.lock", workspace / "dvc.lock")
    (root / "reports/audit").mkdir(exist_ok=True)
    (root / "reports/audit/prov.json.gz").write_bytes(gzip.compress(b'{"id": "103_1b1_Tc_sc_Meditron_001"}'))
    (root / EXPORT).write_text('{"id": "104_1b1_Tc_sc_Meditron_001"}')
    (root / HANDED_OUT).parent.mkdir()
    with independent_search.zipfile.ZipFile(root / HANDED_OUT, "w", independent_search.zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", wav)
