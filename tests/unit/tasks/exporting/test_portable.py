"""Folders of models in each format: complete in themselves, with equal predictions."""

import shutil
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import onnx
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from models.decision_rules import DecisionRule
from models.file_reading import read_json
from tasks.exporting import int8, onnx_file, portable, readme, torch_files
from tasks.exporting.int8 import Inputs
from tasks.prediction import predictor
from tasks.prediction.facts import identity
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError
from tests.unit.models.export import cards
from tests.unit.models.export.linear_network import waveform_network
from tests.unit.tasks.exporting import exports_on_disk


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folders of a student, and of its export without an ONNX file; front end `ast`, normalised."""
    folder = tmp_path_factory.mktemp("written")
    return exports_on_disk.write(folder, "ast", onnx=False, normalized=True, threshold=0.3)


@pytest.fixture(scope="module")
def student(written):
    return written[0]


@pytest.fixture(scope="module")
def exported(written, tmp_path_factory):
    """Return the export in the layout of the Hugging Face Hub, with an ONNX file."""
    out = tmp_path_factory.mktemp("exported") / "hf"
    portable.write("hf", written[1], out)
    return out


def noise(count):
    return [np.random.default_rng(n).normal(0, 0.1, 9_000 + 4_000 * n).astype(np.float32) for n in range(count)]


@pytest.mark.slow
def test_a_folder_for_the_hub_holds_all_that_a_prediction_needs(student, exported):
    names = {path.name for path in exported.iterdir()}
    assert names == {"README.md", "model.json", "use.py", *portable.FILES["hf"]}
    card = read_json(exported / "model.json")
    student_card = read_json(student / "model.json")
    assert student_card.items() <= card.items()
    assert (card["format"], card["sample_rate"], card["banner"]) == (1, 16_000, exports_on_disk.BANNER)
    config = read_json(exported / "config.json")
    assert config["id2label"] == {str(index): name for index, name in enumerate(card["classes"])}
    assert config["architecture"] == "ast"
    preprocessor = read_json(exported / "preprocessor_config.json")
    assert (preprocessor["sampling_rate"], preprocessor["duration_s"]) == (16_000, 1.0)
    tensors = load_file(exported / "model.safetensors")
    with safe_open(exported / "model.safetensors", framework="np") as opened:
        assert opened.metadata() == {"format": "pt", "banner": exports_on_disk.BANNER}
    metadata = onnx_file.session(exported / "model.onnx").get_modelmeta().custom_metadata_map
    assert metadata["banner"] == exports_on_disk.BANNER
    for name, tensor in load_file(student / "val.safetensors").items():
        assert torch.equal(tensors[name], tensor)
    metadata = huggingface_hub.ModelCard.load(exported / "README.md", ignore_metadata_errors=False).data
    assert (metadata.pipeline_tag, metadata.library_name) == ("audio-classification", "breathline")
    recording = predictor.array(np.concatenate(noise(4)), 16_000)
    rows = [
        list(predictor.load(folder, "m", engine=engine).predict(recording).rows())
        for folder, engine in ((student, "torch"), (exported, "torch"), (exported, "onnx"))
    ]
    for found in rows[1:]:
        for one, other in zip(rows[0], found, strict=True):
            assert one["predicted"] == other["predicted"]
            assert [other[f"p_{name}"] for name in card["classes"]] == pytest.approx(
                [one[f"p_{name}"] for name in card["classes"]], abs=1e-4
            )


@pytest.mark.slow  # an environment is built
def test_the_example_of_use_predicts_as_the_pipeline_does_without_torch(student, exported, tmp_path):
    random, wavs = np.random.default_rng(3), []
    for name, rate, channels, seconds in (("a", 4_000, 1, 2.35), ("b", 44_100, 2, 1.5), ("c", 16_000, 1, 0.3)):
        wavs.append(tmp_path / f"{name}.wav")
        soundfile.write(wavs[-1], random.normal(0, 0.1, (int(rate * seconds), channels)), rate, subtype="PCM_16")
    python = exports_on_disk.bare_python(tmp_path / "venv")
    rows, said = exports_on_disk.run_example(python, exported, wavs, tmp_path)
    exports_on_disk.compare_example(rows, predictor.load(student, "student", engine="torch"), wavs)
    assert said == f"{exports_on_disk.BANNER}\n"
    assert len((exported / "use.py").read_text(encoding="utf-8").splitlines()) <= 60
    strange = shutil.copytree(exported, tmp_path / "strange")
    files.write_json(strange / "model.json", read_json(strange / "model.json") | {"novelty": {"threshold": 0.0}})
    rows, _ = exports_on_disk.run_example(python, strange, wavs[:1], tmp_path)
    assert {row["note"] for row in rows} == {"unlike anything the model learned from"}


@pytest.mark.slow
def test_the_example_of_use_gives_no_class_without_usable_samples_and_names_each_file(exported, tmp_path):
    sound = noise(1)[0]
    soundfile.write(tmp_path / "good.wav", sound, 16_000)
    expected, _ = exports_on_disk.run_example(Path(sys.executable), exported, [tmp_path / "good.wav"], tmp_path)
    faulty = {"silent": np.zeros(8_000), "nan": np.where(np.arange(9_000) == 5_000, np.nan, sound), "empty": sound[:0]}
    faulty |= {"integers": sound * 32_768}
    for name, samples in faulty.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, 16_000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no sound")
    wavs = [tmp_path / f"{name}.wav" for name in (*faulty, "text", "missing", "good")]
    rows, said = exports_on_disk.run_example(Path(sys.executable), exported, wavs, tmp_path, status=1)
    assert {row["banner"] for row in rows} == {exports_on_disk.BANNER}
    assert rows[-len(expected) :] == expected
    without = rows[: -len(expected)]
    assert [row["file"] for row in without] == list(map(str, wavs[:-1]))
    for row in without:
        assert (row["predicted"], row["p_normal"], row["distance"]) == ("", "", "")
        assert row["note"] == "not judged: silence, or no usable samples"
    assert [line.partition(":")[0] for line in said.splitlines()[1:]] == list(map(str, wavs[4:6]))


@pytest.mark.slow
def test_an_export_of_an_export_holds_the_same_files(exported, tmp_path):
    portable.write("onnx", exported, tmp_path / "onnx")
    portable.write("safetensors", exported, tmp_path / "weights")
    for path in (*(tmp_path / "onnx").iterdir(), *(tmp_path / "weights").iterdir()):
        if path.name != "README.md":  # it lists the files of its folder
            assert path.read_bytes() == (exported / path.name).read_bytes()
    assert {path.name for path in (tmp_path / "weights").iterdir()} == {"README.md", "model.json", "model.safetensors"}


@pytest.mark.slow
def test_the_folder_of_a_student_has_the_banner_of_its_export(student, tmp_path):
    copied = shutil.copytree(student, tmp_path / "data/student/1")
    corpora = [{"name": "demo", "title": "Demo", "generated": True}]
    exported = {**read_json(student / "model.json"), "id": identity(student), "corpora": corpora}
    files.write_json(tmp_path / "data/export/1/model.json", exported)
    assert "learned from generated sounds" in portable.write("safetensors", copied, tmp_path / "out")["banner"]


@pytest.mark.slow
def test_the_folder_states_where_the_model_is_from(student, tmp_path):
    origin = {"model": "student@v1.0.0", "commit": "0123abcd", "dirty": True, "record": "89ef"}
    portable.write("safetensors", student, tmp_path / "out", origin=origin)
    assert read_json(tmp_path / "out/model.json")["origin"] == origin
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "as student@v1.0.0, Git commit `0123abcd` with uncommitted changes; SHA-256 of its record: `89ef`." in text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")  # TorchScript is deprecated
def test_torchscript_and_programs_run_without_this_project_and_hold_no_paths(tmp_path):
    network = waveform_network("ast")
    torch_files.write_torchscript(tmp_path / "model.pt", network)
    torch_files.write_program(tmp_path / "model.pt2", network)
    waveforms = onnx_file.stacked(noise(3))
    given = [torch.from_numpy(waveforms[name]) for name in ("waveform", "lengths")]
    given.append(torch.zeros(3, network.front_end.mels))
    with torch.no_grad():
        expected = network(*given)
        for loaded in (torch.jit.load(tmp_path / "model.pt"), torch.export.load(tmp_path / "model.pt2").module()):
            for one, other in zip(expected, loaded(*given), strict=True):
                torch.testing.assert_close(other, one, atol=1e-4, rtol=1e-3)
    for path in tmp_path.iterdir():
        assert b"site-packages" not in path.read_bytes()


@pytest.mark.slow
def test_a_changed_torch_file_is_an_error(tmp_path, monkeypatch):
    network = waveform_network("fbank")
    other = waveform_network("fbank")
    with torch.no_grad():
        other.network.head.bias += torch.arange(4.0)
    monkeypatch.setattr(torch_files, "exportable", lambda given: other)
    with pytest.raises(BreathlineError, match=r"differ by 0\.\d+ in `probabilities`; at most 0.0001"):
        torch_files.write_torchscript(tmp_path / "model.pt", network)


@pytest.mark.slow
def test_weights_of_8_bits_are_smaller_and_their_cost_is_measured(exported, tmp_path, monkeypatch):
    cycles = noise(12)
    offsets = np.zeros((1, 128), np.float32)
    given = [onnx_file.stacked([cycle]) | {"offsets": offsets} for cycle in cycles]
    labels = np.arange(12) % 4
    monkeypatch.setattr(int8, "read", lambda card: dict.fromkeys(("train", "val", "test"), Inputs(given, labels)))
    seen = []
    card = portable.write("onnx", exported, tmp_path / "out", quantise=True, on_cycle=lambda *done: seen.append(done))
    found = card["int8"]
    assert read_json(tmp_path / "out/model.json")["int8"] == found
    path, full = tmp_path / "out" / found["file"], tmp_path / "out" / found["full_file"]
    assert full.read_bytes() == (exported / "model.onnx").read_bytes()
    ids = [
        {one.key: one.value for one in onnx.load(one, load_external_data=False).metadata_props}["id"]
        for one in (path, full)
    ]
    assert ids == [card["id"], found["full_id"]] == [found["id"], read_json(exported / "model.json")["id"]]
    assert len(set(ids)) == 2
    assert found["own_split"] is False  # the working directory has no such student
    assert found["bytes"] == {"float32": (exported / "model.onnx").stat().st_size, "int8": path.stat().st_size}
    assert list(found["tried"]) == ["weights", "dynamic", "static"]
    for one in found["tried"].values():
        assert one["bytes"] < 0.7 * found["bytes"]["float32"]
        assert one["largest_difference"] > 0
    assert found["tried"][found["method"]]["bytes"] == found["bytes"]["int8"]
    assert "model_fp32.onnx" in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert {one.name for one in (tmp_path / "out").iterdir()} == {
        "README.md", "model.json", "model.onnx", "model_fp32.onnx", "use.py",
    }  # fmt: skip
    sessions = [onnx_file.session(one) for one in (exported / "model.onnx", path)]
    expected, reduced = (
        np.concatenate([session.run(["probabilities"], dict(one))[0] for one in given]) for session in sessions
    )
    assert found["test"]["largest_difference"] == pytest.approx(np.abs(expected - reduced).max())
    assert 0 < found["test"]["largest_difference"] < 0.2
    loaded = predictor.load(tmp_path / "out", "int8", engine="auto")  # as `predict` and `serve-model` do
    rows = [
        float(one.judgement.probabilities[0]) for one in loaded.predict(predictor.array(cycles[0], 16_000)).segments
    ]
    full_rows = predictor.load(exported, "full", engine="onnx").predict(predictor.array(cycles[0], 16_000)).segments
    assert rows != [float(one.judgement.probabilities[0]) for one in full_rows]
    rule = DecisionRule(threshold=0.3)
    assert found["test"]["changed_decisions"] == np.mean(rule.predict(expected) != rule.predict(reduced))
    assert found["validation"]["cycles"] == 12
    assert [done for done, _ in seen] == list(range(1, 1 + len(seen)))
    assert len(seen) == seen[-1][1]
    shutil.copy(exported / "model.safetensors", tmp_path / "out")
    again = portable.write("onnx", tmp_path / "out", tmp_path / "again")  # of the full network
    assert (again["id"], "int8" in again) == (found["full_id"], False)


@pytest.mark.parametrize(
    ("lost", "kept"),
    [
        ({"weights": 0.0, "dynamic": 0.4, "static": 2.0}, "dynamic"),  # faster than `weights`, within half a point
        ({"weights": 1.5, "dynamic": 0.9, "static": 2.0}, "dynamic"),
        ({"weights": 0.1, "dynamic": 0.6, "static": 0.6}, "weights"),
        ({"weights": None, "dynamic": None}, "weights"),  # no Score without abnormal cycles
    ],
)
def test_the_fastest_version_that_loses_little_is_kept(lost, kept):
    measured = {
        method: {
            "milliseconds": {"weights": 3, "dynamic": 2, "static": 1}[method],
            "score_strict": {"float32": 60.0, "int8": None if points is None else 60 - points},
        }
        for method, points in lost.items()
    }
    assert int8.choose(measured) == kept


@pytest.mark.slow
def test_a_student_without_an_export_is_exported_without_statements_on_its_data(student, tmp_path):
    card = portable.write("safetensors", student, tmp_path / "out")
    assert read_json(student / "model.json").items() <= card.items()
    assert (card["format"], card["selection"], card["sample_rate"], card["banner"]) == (1, "val", 16_000, None)
    assert len(card["id"]) == 16
    assert not {"corpora", "scores", "novelty", "conformal"} & card.keys()
    expected = load_file(student / "val.safetensors")
    found = load_file(tmp_path / "out/model.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_export_of_an_earlier_version_that_states_less_has_a_readme(tmp_path):
    card, _ = cards.model("ast", *cards.TINY["ast"])
    card |= {"sample_rate": 16_000, "corpora": [{"name": "ward", "title": "The ward"}], "origin": {"model": "x"}}
    readme.write(tmp_path, card)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| The ward | 0 | 0 |" in text
    assert "- The ward: cycles; ages not known." in text


def test_a_student_of_the_working_tree_is_known_by_its_weights(tmp_path, student):
    copied = shutil.copytree(student, tmp_path / "data/student/1")
    assert int8.is_trained_here({"id": identity(copied)}, tmp_path)
    for other in ({"id": "0123456789abcdef"}, {}):
        assert not int8.is_trained_here(other, tmp_path)


def test_weights_of_8_bits_need_the_project_that_trained_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BreathlineError, match="no cycles to measure the cost") as error:
        int8.read({"sample_rate": 16_000, "classes": ["normal", "crackle"]})
    assert "leave out --int8" in str(error.value.hint)
