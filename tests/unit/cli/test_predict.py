"""Command `breathline predict` on the folder of a model: output, files and errors."""

import csv
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from cli.predict import predict
from cli.predictions import progress
from tasks.audio import quality, reading
from tasks.monitoring import log_reading
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tests.unit.tasks import models_on_disk
from tests.unit.tasks.prediction import onnx_model
from tests.unit.tasks.prediction.recorded import normalised, write


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, outside of any project, with a model and a recording without annotation."""
    monkeypatch.chdir(tmp_path)
    models_on_disk.write(tmp_path / "model")
    write(tmp_path / "a.wav")
    return tmp_path


def test_every_format_holds_the_same_rows(folder, capsys):
    files = [Path(f"out.{suffix}") for suffix in ("parquet", "csv", "json", "jsonl")]
    predict(["a.wav"], model="model", out=files)
    rows = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert [(row["start_s"], row["end_s"]) for row in rows] == [(0.0, 1.0), (1.0, 2.0), (1.25, 2.25)]
    assert [json.loads(line) for line in Path("out.jsonl").read_text(encoding="utf-8").splitlines()] == rows
    table = pq.read_table("out.parquet")
    assert table.column_names == list(rows[0])
    assert table.to_pylist() == rows
    with Path("out.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert [float(row["p_wheeze"]) for row in written] == pytest.approx([row["p_wheeze"] for row in rows])
    assert [row["decision"] for row in written] == ["judged"] * 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "3 segments of 1 recording: 3 judged. For research only: not a medical device, not a diagnosis." in printed
    assert "trained on whole cycles" in printed
    with pytest.raises(
        BreathlineError, match=r"has the suffix `\.xls`(.|\n)*ends in \.parquet, \.csv, \.json or \.jsonl"
    ):
        predict(["a.wav"], model="model", out=[Path("out.xls")])


def test_the_decision_rule_of_the_model_is_followed_and_printed(folder, capsys):
    card = folder / "model/model.json"
    rule = {"rule": "threshold", "threshold": 0.01, "strict": 0.01, "lenient": 0.5, "temperature": 1.5}
    card.write_text(json.dumps(json.loads(card.read_text()) | {"decision_rules": {"val": rule}}))
    predict(["a.wav"], model="model", out=[Path("out.parquet")])
    assert pq.read_table("out.parquet")["predicted"].to_pylist() == ["normal"] * 3
    assert "Decision rule of the model: normal if p(normal) ≥ 0.01" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("out", "what"),
    [
        ("/proc/x.csv", "No such file or directory"),
        ("folder.csv", "Is a directory"),
        ("a.wav/x.csv", "(Not a directory|File exists)"),
        (f"{'x' * 300}.csv", "File name too long"),
        ("/dev/full", "no suffix"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(folder, out, what):
    (folder / "folder.csv").mkdir()
    with pytest.raises(BreathlineError, match=what) as refused:
        predict(["a.wav"], model="nonsense", out=[Path(out)])
    assert out in str(refused.value.where)
    assert "name a file" in str(refused.value.hint)


def test_a_broken_recording_is_named_and_the_others_are_written(folder):
    (folder / "b.wav").write_bytes((folder / "a.wav").read_bytes()[:1000])
    with pytest.raises(BreathlineError, match=r"1 of 2 recordings have no prediction:\nb\.wav: .*cut off"):
        predict(["a.wav", "b.wav"], model="model", out=[Path("out.csv")])
    assert len(Path("out.csv").read_text(encoding="utf-8").splitlines()) == 4


def test_recordings_of_one_device_are_normalised_together(folder, capsys):
    normalised(folder / "device", {"spectrum": "device_of_the_data"})
    write(folder / "b.wav", 3.0)
    predict(["a.wav", "b.wav"], model="device", out=[Path("both.json")])
    assert "normalised by the mean of these 2 recordings, which count as one" in capsys.readouterr().out
    first = json.loads(Path("both.json").read_text(encoding="utf-8"))[0]
    predict(["a.wav"], model="model", out=[Path("plain.json")])
    plain = json.loads(Path("plain.json").read_text(encoding="utf-8"))[0]
    assert (first["recording"], first["start_s"]) == (plain["recording"], plain["start_s"])
    assert abs(first["p_normal"] - plain["p_normal"]) > 1e-4
    with pytest.raises(BreathlineError, match="several recordings"):
        predict(["a.wav"], model="device")


def test_outside_of_a_project_a_model_must_be_a_folder(folder):
    for name in ("student@v1.0.0", "typo"):
        with pytest.raises(BreathlineError, match=rf"'{name}' is no folder of a model(.|\n)*hf:owner/name"):
            predict(["a.wav"], model=name)
    with pytest.raises(BreathlineError, match="No model is named"):
        predict(["a.wav"])
    with pytest.raises(BreathlineError, match="no repository of the hub"):
        predict(["a.wav"], model="hf:owner")
    Path("seeds").mkdir()
    Path("model").rename("seeds/2")
    predict(["a.wav"], model="seeds", out=[Path("out.json")])
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))[0]["model"] == "seeds, seed 2"


def test_rows_on_standard_output_are_alone_there(folder, capfdbinary):
    predict(["a.wav"], model="model", piped="json")
    printed, log = capfdbinary.readouterr()
    assert [row["recording"] for row in json.loads(printed)] == ["a"] * 3
    predict(["a.wav"], model="model", piped="parquet", out=[Path("b.csv")])
    printed, log = capfdbinary.readouterr()
    assert pq.read_table(io.BytesIO(printed)).num_rows == 3
    assert b"Written: b.csv (3 rows)" in log


def test_a_label_track_begins_with_the_warnings_and_names_decisions(folder, capsys):
    onnx_model.write(folder / "export")
    Path("sub").mkdir()
    write(Path("sub/a.wav"))
    predict(["a.wav", "sub/a.wav"], model="export", labels=Path("tracks"))
    assert sorted(path.name for path in Path("tracks").iterdir()) == ["a-2.predicted.txt", "a.predicted.txt"]
    lines = Path("tracks/a.predicted.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("0.000000\t0.000000\tThis model learned from generated sounds")
    assert "not a diagnosis" in lines[0]
    assert [line.split("\t")[:2] for line in lines[1:]] == [
        ["0.000000", "1.000000"],
        ["1.000000", "2.000000"],
        ["1.250000", "2.250000"],
    ]
    assert lines[1].split("\t")[2].startswith("normal 0.")


def test_summaries_count_recordings_and_patients(folder):
    onnx_model.write(folder / "export")
    for name in ("101_1b1_Al_sc_Meditron", "101_1b2_Al_sc_Meditron", "102_1b1_Al_sc_Meditron"):
        write(folder / f"{name}.wav")
    predict(["1*.wav"], model="export", summary=Path("summary.json"))
    rows = json.loads(Path("summary.json").read_text(encoding="utf-8"))
    assert [row["level"] for row in rows] == ["recording"] * 3 + ["patient"] * 2
    assert [(row["patient"], row["recordings"], row["segments"]) for row in rows[3:]] == [("101", 2, 6), ("102", 1, 3)]
    assert {row["abnormal_share"] for row in rows} == {0.0}
    assert rows[0]["n_normal"] == rows[0]["judged"] == 3


def test_standard_input_has_no_temporary_name_in_the_rows(folder, monkeypatch):
    given = io.BytesIO(Path("a.wav").read_bytes())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=given, isatty=lambda: False))
    predict(["-"], model="model", out=[Path("in.json")])
    (row, *_) = json.loads(Path("in.json").read_text(encoding="utf-8"))
    assert (row["recording"], row["file"]) == ("standard_input", "-")


@pytest.mark.parametrize("name", ["use.jsonl", "use.parquet"])
def test_the_log_of_use_has_an_entry_for_each_recording(folder, name):
    onnx_model.write(folder / "export")
    write(folder / "b.wav", 3.0)
    predict(["a.wav", "b.wav"], model="export", log=Path(name), log_device="phone")
    predict(["a.wav"], model="export", log=Path(name), log_names=True)
    entries = [entry for _, entry in log_reading.read(Path(name)).entries]
    digests = [sha256(Path(file)) for file in ("a.wav", "b.wav", "a.wav")]
    assert [(one.file_sha256, one.file_name, one.device) for one in entries] == list(
        zip(digests, [None, None, "a.wav"], ["phone", "phone", None], strict=True)
    )
    (first, *_) = entries
    audio = reading.read(Path("a.wav"))
    assert {one.model_id for one in entries} == {"0123456789abcdef"}
    assert [one.seconds for one in entries] == [2.25, 3.0, 2.25]
    assert first.sample_rate == audio.rate
    assert (first.segments, sum(first.predicted.values())) == (3, 3)
    assert len(first.confidence) == 3
    measured = quality.measure(audio.normalised(), audio.rate)
    assert (first.level_dbfs, first.centroid_hz) == pytest.approx((measured.rms_dbfs, measured.centroid_hz))


@pytest.mark.parametrize("name", ["use.jsonl", "use.PARQUET"])
def test_a_recording_that_cannot_be_read_is_logged_as_not_judged(folder, name):
    onnx_model.write(folder / "export")
    (folder / "b.wav").write_bytes((folder / "a.wav").read_bytes()[:1000])
    with pytest.raises(BreathlineError, match="1 of 2 recordings have no"):
        predict(["a.wav", "b.wav"], model="export", log=Path(name))
    _, entry = (entry for _, entry in log_reading.read(Path(name)).entries)
    assert (entry.file_sha256, entry.seconds, entry.decisions) == (sha256(Path("b.wav")), None, {"not_judged": 1})
    assert (entry.model_id, entry.abnormal_share) == ("0123456789abcdef", None)
    assert (Path(name).read_bytes()[:4] == b"PAR1") == (name == "use.PARQUET")


def test_a_folder_of_label_tracks_that_is_a_file_is_refused_before_any_work(folder):
    with pytest.raises(BreathlineError, match=r"(Not a directory|File exists)"):
        predict(["a.wav"], model="nonsense", labels=Path("a.wav"))


def test_label_tracks_of_several_recordings_are_not_joined(folder, capsys):
    write(folder / "b.wav")
    with pytest.raises(BreathlineError, match=r"label tracks of 2 recordings(.|\n)*--labels FOLDER"):
        predict(["a.wav", "b.wav"], model="model", piped="labels")
    assert "normal" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", r"Standard input is empty\.\n *where: -\n"), (b"RIFF", r"recording has no prediction:\n-: ")],
)
def test_a_message_on_standard_input_has_no_temporary_name(folder, monkeypatch, content, what):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False))
    with pytest.raises(BreathlineError, match=what) as refused:
        predict(["-"], model="model")
    assert "/breathline-" not in str(refused.value)


@pytest.mark.parametrize("windows", ["", "2,-50%", "1,100%", "1,2,3"])
def test_texts_that_describe_no_windows_are_refused(folder, windows):
    with pytest.raises(BreathlineError, match="describes no windows"):
        predict(["a.wav"], model="nonsense", windows=windows)


def test_a_log_that_cannot_be_written_is_refused_before_any_work(folder):
    (folder / "folder.jsonl").mkdir()
    with pytest.raises(BreathlineError, match="Is a directory") as refused:
        predict(["a.wav"], model="nonsense", log=Path("folder.jsonl"))
    assert "folder.jsonl" in str(refused.value.where)
    (folder / "no.parquet").write_text("no table")
    with pytest.raises(BreathlineError, match="not a complete Parquet file"):
        predict(["a.wav"], model="nonsense", log=Path("no.parquet"))
    with pytest.raises(BreathlineError, match="There is no log") as refused:
        predict(["a.wav"], model="nonsense", log_device="phone")
    assert refused.value.hint == "give --log FILE as well"


@pytest.mark.slow
def test_the_page_has_spectrograms_sounds_and_with_torch_maps(folder):
    onnx_model.write(folder / "export")
    (folder / "b.wav").write_bytes((folder / "a.wav").read_bytes()[:1000])
    write(folder / "c.wav", 1.0)
    with pytest.raises(BreathlineError, match="1 of 3 recordings"):
        predict(["a.wav", "b.wav", "c.wav"], model="export", html=Path("onnx.html"))
    page = Path("onnx.html").read_text(encoding="utf-8")
    assert (page.count("<audio controls"), page.count("what the class depends on")) == (4, 0)
    assert "learned from generated sounds" in page
    assert "not a diagnosis" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page), "the page needs no other file"
    predict(["c.wav"], model="model", html=Path("torch.html"))
    assert Path("torch.html").read_text(encoding="utf-8").count("what the class depends on most") == 1
    predict(["a.wav"], model="export", html=Path("whole.html"), whole=True)
    page = Path("whole.html").read_text(encoding="utf-8")
    assert (page.count("<audio"), page.count("0.00–2.25")) == (0, 1)


def test_progress_on_a_terminal_reaches_the_end(tmp_path):
    files = [tmp_path / "a.wav", tmp_path / "b.mp3"]
    for file, size in zip(files, (1000, 10), strict=True):
        file.write_bytes(bytes(size))
    text = io.StringIO()
    with progress(files, Console(file=text, force_terminal=True, width=80)) as (on_frames, on_done):
        on_frames(files[0], 250)
        on_done(files[0])
        on_frames(files[1], 10**6)  # compressed: more than 2 bytes a frame would be more than the file
        on_done(files[1])
    assert "Predicting" in text.getvalue()
    assert "100%" in text.getvalue()
    quiet = io.StringIO()
    with progress(files, Console(file=quiet)) as (on_frames, on_done):
        on_frames(files[0], 250)
        on_done(files[0])
    assert quiet.getvalue() == ""
