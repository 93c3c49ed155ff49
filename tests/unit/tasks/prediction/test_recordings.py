"""Recordings that are named by file, folder, pattern or standard input, and their patients."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.corpora import registry
from tasks.own_data import annotation_files
from tasks.prediction import patients, recordings
from tasks.prediction.excerpts import ANNOTATIONS
from tasks.runtime.errors import BreathlineError


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folders_give_their_recordings_each_once_and_name_what_is_left_out(tmp_path):
    names = ("b.wav", "b.txt", "b_label.txt", "sub/a.WAV", "sub/c.flac", "notes.txt", "x.wma", "y.wma", "plain")
    folder(tmp_path, *names)
    found = recordings.find([str(tmp_path / "sub" / "a.WAV"), str(tmp_path)])
    assert [str(path.relative_to(tmp_path)) for path in found.recordings] == ["sub/a.WAV", "b.wav", "sub/c.flac"]
    assert dict(found.left_out) == {".wma": 2, ".txt": 1, "": 1}
    assert "In the folders, 4 files of other kinds are not read: 1 without suffix, 1 .txt, 2 .wma." in found.note()
    assert recordings.find([str(tmp_path / "x.wma")]).recordings == [tmp_path / "x.wma"]
    assert recordings.find([str(tmp_path / "b.wav")]).note() is None


def test_patterns_name_files_also_below(tmp_path, monkeypatch):
    monkeypatch.chdir(folder(tmp_path, "b.wav", "a.wav", "sub/c.wav", "[x].wav"))
    assert [str(path) for path in recordings.find(["*.wav"]).recordings] == ["[x].wav", "a.wav", "b.wav"]
    assert [str(path) for path in recordings.find(["**/c.*"]).recordings] == ["sub/c.wav"]
    assert [str(path) for path in recordings.find(["[x].wav"]).recordings] == ["[x].wav"]
    with pytest.raises(BreathlineError, match="matches no file"):
        recordings.find(["*.flac"])


def test_a_missing_file_and_a_folder_without_recordings_are_refused(tmp_path):
    folder(tmp_path, "none/notes.txt")
    for name, words in (("none", "no audio file"), ("c.wav", "no such file")):
        with pytest.raises(BreathlineError, match=words):
            recordings.find([str(tmp_path / name)])


def test_standard_input_is_read_to_a_temporary_file(monkeypatch):
    given = SimpleNamespace(buffer=io.BytesIO(b"x" * 100_000), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", given)
    with recordings.standard_input() as path:
        assert path.read_bytes() == b"x" * 100_000
    assert not path.exists()
    given.buffer.seek(0)
    monkeypatch.setattr(recordings, "MAX_INPUT", 99_999)
    with pytest.raises(BreathlineError, match="more than 99,999 bytes"), recordings.standard_input():
        pass
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(BreathlineError, match="is a terminal"), recordings.standard_input():
        pass


def test_each_annotation_format_has_a_known_suffix():
    """A recording without a file of these suffixes beside it is predicted without the adapters of all corpora."""
    own = [registry.get(name).annotation_suffix for name in registry.names()]
    assert all(ending.endswith(ANNOTATIONS) for ending in (*annotation_files.ENDINGS, *filter(None, own)))


def test_patients_are_those_of_the_table_or_of_the_names(tmp_path):
    wavs = [tmp_path / f"{name}.wav" for name in ("101_1b1_Al_sc_Meditron", "102_1b1_Al_sc_Meditron")]
    assert list(patients.find(wavs, None).values()) == ["101", "102"]
    assert patients.find([*wavs, tmp_path / "ward.wav"], None) == {}
    assert patients.find(wavs[:1], None) == {}
    table = tmp_path / "patients.csv"
    table.write_text("patient,recording\nA,101_1b1_Al_sc_Meditron.wav\nB,other\n")
    assert patients.find(wavs, patients.read(table)) == {wavs[0]: "A"}
    with pytest.raises(BreathlineError, match="names no recording that was given"):
        patients.find(wavs[1:], patients.read(table))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "no column recording"),
        ("recording,patient\nx,A\nx,B\n", r"two patients, A and B(.|\n)*csv:3"),
        ("recording,patient\nx\n", r"lacks its recording or its patient(.|\n)*csv:2"),
        (b"\xff\xfe\x00", "no CSV file in UTF-8"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_wrong_table_of_patients_names_the_line(tmp_path, text, words):
    path = tmp_path / "p.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BreathlineError, match=words):
        patients.read(path)
