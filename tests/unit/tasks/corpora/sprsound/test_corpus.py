"""SPRSound from the source to the tables: layouts, sides, folds, label sets, identity and checks."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from flows.recipes import corpus as recipe_corpus
from tasks import download, extract, pool, validate
from tasks.corpora import registry
from tasks.corpora.settings import SprsoundSettings
from tasks.corpora.sprsound import annotations, expected, facts, known_recordings, labels, sides
from tasks.parameters import judge
from tasks.runtime import corpus_facts, params
from tasks.runtime.errors import BreathlineError
from tasks.subsets.splits import assign
from tests.unit.tasks.corpora.sprsound import generated
from tests.unit.tasks.corpora.stages import checked, tables
from tests.unit.tasks.download.project import Project, settings

ROOT = Path(__file__).parents[5]
SIDES = ("train", "inter", "intra", "test-2023")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def with_corpus(split: str | int = "official", **changes: Any) -> dict[str, Any]:
    """Return the project's parameters with changes of its corpus."""
    return params.merge(params.read(ROOT / "params.yaml"), {"split": split, "corpora": {"demo": changes}})


def fetched(project: Project, source: Path, **changes: Any) -> dict[str, Any]:
    return project.download(settings("directory", source, corpus="sprsound", **changes))


@pytest.mark.parametrize("layout", generated.LAYOUTS)
def test_each_published_layout_keeps_the_side_and_the_label_of_each_recording(tmp_path, project, layout):
    content = generated.recordings(6, SIDES)
    source = fetched(project, generated.lay_out(tmp_path / "source", content, layout))
    assert source["recordings"] == len(content)
    recordings, cycles, summary = tables(project)
    rows = {row["recording_id"]: row for row in recordings.to_dicts()}
    for name, (side, written) in content.items():
        record = written.get("record_annotation") or written.get("recording_annotation")
        assert (rows[name]["split"], rows[name]["sprsound_record"]) == (side, record)
        assert rows[name]["sprsound_release"] == ("2023" if side == "test-2023" else "2022")
        assert rows[name]["sprsound_record_3"] == labels.RECORDS[record]
        assert rows[name]["cycles"] == len(written["event_annotation"])
        assert (rows[name]["fold"] is None) == (side != "train")
    row = rows["40000002_1.0_1_p2_10"]
    assert (row["patient_id"], row["age"], row["sex"]) == ("sprsound-40000002", 1.0, "F")
    assert (row["location"], row["device"], row["diagnosis"]) == ("left lateral", "Yunting II", None)
    first = cycles.filter(pl.col("recording_id") == row["recording_id"]).sort("cycle_index")
    assert first["sprsound_event"].to_list() == ["Normal", "Fine Crackle", "Wheeze"], "sorted by start"
    assert first["start_s"].to_list() == [0.05, 0.7, 1.35]
    assert first["lungsound_4"].to_list() == [0, 1, 2]
    types = Counter(one["type"] for _, written in content.values() for one in written["event_annotation"])
    assert dict(cycles["sprsound_event"].value_counts().iter_rows()) == types
    left_out = {name: types[name] for name in ("Rhonchi", "Stridor")}
    assert summary["unlabelled"] == {"lungsound_4": left_out, "lungsound_2": left_out}

    table = cycles.to_arrow()
    for split in SIDES[1:]:
        subsets = assign(table, labels="sprsound_event_7", split=split, fraction=0.3, seed=0)
        tested = {name for name, subset in subsets.items() if subset == "test"}
        assert tested == set(cycles.filter(pl.col("split") == split)["cycle_id"]), "tests are never pooled"
        assert set(cycles.filter(pl.col("split") == "train")["cycle_id"]) == subsets.keys() - tested


def test_without_a_test_part_folds_are_drawn_and_the_split_official_names_them(tmp_path, project, caplog):
    with caplog.at_level("INFO"):
        fetched(project, generated.lay_out(tmp_path / "source", generated.recordings(10)))
        recordings, cycles, summary = tables(project)
    assert summary["classes"].keys() == {"train"}
    assert summary["classes"]["train"]["sprsound_event_2"] == {"normal": 16, "adventitious": 41}
    assert recordings.group_by("patient_id").agg(pl.col("fold").n_unique())["fold"].unique().to_list() == [1]
    assert sorted(recordings["fold"].unique()) == [0, 1, 2, 3, 4]
    assert corpus_facts.read(project.raw.parent / "cycles").splits["0"].startswith("fold 0 of 5 of the train part")
    subsets = assign(cycles.to_arrow(), labels="lungsound_4", split="0", fraction=0.3, seed=0)
    assert Counter(subsets.values()).keys() == {"train", "val", "test"}
    for split in ("official", "inter"):
        with pytest.raises(BreathlineError) as error:
            assign(cycles.to_arrow(), labels="lungsound_4", split=split, fraction=0.3, seed=0)
        assert "0, 1, 2, 3, 4" in str(error.value.hint)
    said = " ".join(caplog.text.split())
    assert "1 recordings have no cycles: 40000001_0.1_0_p1_1" in said
    assert "lungsound_4: 12 cycles have no label and are left out (Rhonchi 6, Stridor 6)" in said
    assert "diagnosis is unknown for every patient" in said


@pytest.mark.slow  # runs all checks: 2 s
def test_rhonchi_and_stridor_count_as_wheeze_where_the_settings_say_so(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(8))
    fetched(project, source, sprsound=SprsoundSettings(rhonchi="wheeze"))
    _, cycles, summary = tables(project)
    found = dict(cycles.group_by("sprsound_event").agg(pl.col("lungsound_4").unique()).iter_rows())
    assert (found["Rhonchi"], found["Wheeze"], found["Stridor"]) == ([2], [2], [None])
    assert summary["unlabelled"].keys() == {"lungsound_4", "lungsound_2"}
    assert checked(project, "lungsound_agrees")["cycles.lungsound_agrees"]["success"], "the check knows the mapping"


@pytest.mark.slow
def test_whole_recordings_are_cycles_with_labels_of_their_own(tmp_path, project):
    content = generated.recordings(10, ("train", "inter"))
    source = generated.lay_out(tmp_path / "source", content)
    (poor,) = [name for name, (_, written) in content.items() if written.get("record_annotation") == "Poor Quality"]
    found = fetched(project, source, sprsound=SprsoundSettings(segments="recordings"))
    assert found["format"] == "sprsound_recordings"
    recordings, cycles, summary = tables(project)
    assert cycles["recording_id"].to_list() == sorted(content)
    assert set(cycles["start_s"]) == {0.0}
    assert cycles["end_s"].to_list() == recordings["duration_s"].to_list()
    labelled = {
        record: row
        for record, *row in cycles.select(pl.col("sprsound_record", *labels.RECORD_CLASSES)).unique().iter_rows()
    }
    assert labelled == {"Normal": [0, 0, 0], "DAS": [2, 1, 1], "Poor Quality": [4, 2, None]}
    assert summary["unlabelled"] == {"lungsound_2": {"Poor Quality": 1}}
    assert recordings.filter(split="train")["fold"].null_count() == 0
    facts = corpus_facts.read(project.raw.parent / "cycles")
    assert (facts.format, facts.cycle.split(",")[0]) == ("sprsound_recordings", "a whole recording of several breaths")
    assert facts.label_sets["sprsound_record_3"].classes == ("normal", "adventitious", "poor quality")
    verdicts = checked(project)
    assert not [name for name, one in verdicts.items() if not one["success"]]
    assert "recordings.good_quality" not in verdicts
    subsets = assign(cycles.to_arrow(), labels="sprsound_record_5", split="inter", fraction=0.3, seed=0)
    assert f"{poor}_000" in subsets


def test_a_test_recording_of_2022_without_inter_or_intra_is_refused(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2, ("train", "inter")))
    folder = source / "BioCAS2022/test2022_json"
    for path in (folder / "inter_test_json").iterdir():
        path.rename(folder / path.name)
    project.refused(settings("directory", source, corpus="sprsound"), r"(inter or the intra)[\s\S]*never pooled")


def test_equal_copies_on_two_sides_are_refused(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2))
    (first, *_) = sorted((source / "BioCAS2022/train2022_json").iterdir())
    copy = source / "BioCAS2022/test2022_json/intra_test_json" / first.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(first.read_bytes())
    project.refused(settings("directory", source, corpus="sprsound"), rf"(?s)Copies of {first.name}.*different sides")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("train2022_json/a.json", ("2022", "train")),
        ("a.json", ("2022", "train")),
        ("tests/BioCAS2022/train2022_json/a.json", ("2022", "train")),
        ("BioCAS2022/test2022_json/Intra_Test_JSON/a.json", ("2022", "intra")),
        ("x/valid_classification_json/2023/inter_test_json/a.json", ("2023", "inter-2023")),
        ("BioCAS2024/test2024_json/a.json", ("2024", "test-2024")),
        ("winter/a.json", ("2022", "train")),
        ("latest/2023/a.json", ("2023", "train")),
    ],
)
def test_the_nearest_folder_tells_release_and_side(path, place):
    assert sides.place(path) == place


def test_an_excluded_patient_is_in_no_file(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(3, SIDES))
    found = fetched(project, source, exclude_patients=["sprsound-40000001"])
    assert found["excluded"] == {"sprsound-40000001": 3}
    content = (project.raw / "metadata" / sides.FILE).read_bytes()
    corpus = registry.get("sprsound")
    assert corpus.patients_named(content) & {"sprsound-40000001", "sprsound-40000002"} == {"sprsound-40000002"}
    assert b"40000001" not in content
    assert not [name for name in project.names("audio") if name.startswith("40000001")]
    extracted, _, _ = tables(project)
    assert extracted.height == found["recordings"]


def test_recordings_are_compared_with_the_published_ones(tmp_path, project, monkeypatch):
    content = generated.recordings(3, ("train", "inter"))
    source = generated.lay_out(tmp_path / "source", content)
    own = fetched(project, source)["identity"]
    assert (own["name"], own["verified"], own["known_recordings"]) == ("sprsound-format", False, None)
    assert facts.facts(corpus_facts.Identity(**own)).licence is None

    digests = [
        known_recordings.digest(path.stem, annotations.read(path)) for path in source.glob("BioCAS2022/train*/*.json")
    ]
    table = tmp_path / "known.txt"
    table.write_text("\n".join(digests), encoding="ascii")
    monkeypatch.setattr(known_recordings, "TABLE", table)
    part = fetched(project, source)["identity"]
    assert part["statement"] == "A part of SPRSound (10 of 2,683 recordings)"
    assert part["evidence"].startswith("10 recordings by side: train 6, inter 4. Of 6 on the side train, 6 have name")
    project.refused(settings("directory", source, corpus="sprsound", expect="full"), "10 recordings; .* has 2683")
    min(source.glob("BioCAS2022/train*/*.json")).write_text(json.dumps(generated.annotation(["Normal"], "Normal")))
    mixed = fetched(project, source)["identity"]
    assert (mixed["verified"], mixed["matched_annotations"]) == (False, 5)


def test_the_committed_digests_are_as_many_as_the_published_train_part():
    digests = known_recordings.TABLE.read_text(encoding="ascii").split()
    assert len(set(digests)) == len(digests) == expected.SIDE_RECORDINGS["train"]
    assert sum(expected.EVENT_TYPES.values()) == expected.EVENTS
    assert sum(expected.SIDE_RECORDINGS.values()) == expected.RECORDINGS


@pytest.mark.slow
def test_checks_hold_for_the_format_and_name_poor_quality_overlap_and_a_patient_on_two_sides(tmp_path, project):
    content = generated.recordings(4, SIDES)
    fetched(project, generated.lay_out(tmp_path / "source", content))
    tables(project)
    verdicts = checked(project)
    assert verdicts["recordings.good_quality"]["first"] == ["40000001_0.1_0_p1_1"]
    assert verdicts["recordings.has_cycles"]["success"], "one warning for one fact"
    assert not [name for name, one in verdicts.items() if not one["success"] and one["severity"] == "error"]
    assert not [name for name in verdicts if "icbhi" in name]

    wrong = {f"40000001_9.0_0_p1_{number}": ("inter", generated.annotation(["Normal"], "Normal")) for number in (1, 2)}
    overlap = generated.annotation(["Normal", "Wheeze"], "CAS", text=False)
    overlap["event_annotation"][0]["start"] = 100
    wrong["40000002_9.0_1_p1_3"] = ("train", overlap)
    other = Project(tmp_path / "other")
    fetched(other, generated.lay_out(tmp_path / "wrong", content | wrong))
    tables(other)
    verdicts = checked(other, "patients_on_one_side", "apart")
    assert verdicts["recordings.patients_on_one_side"]["first"] == ["sprsound-40000001"]
    assert verdicts["cycles.apart"]["unexpected"] == 1


@pytest.mark.slow  # reads and checks real recordings: 3 s for every thirteenth, 20 s for all
@pytest.mark.real
@pytest.mark.parametrize("case", [(13, 31, 115), pytest.param((1, 400, 1385), marks=pytest.mark.long)], ids=str)
def test_real_recordings_have_the_counts_of_their_annotations(case, real_sprsound, tmp_path, monkeypatch):
    every, kept, events = case
    subprocess.run([sys.executable, real_sprsound / "unpack.py", tmp_path / "all"], check=True)
    wavs = sorted((tmp_path / "all").rglob("*.wav"))
    for wav in (path for number, path in enumerate(wavs) if number % every):
        wav.unlink()
        next((tmp_path / "all").rglob(f"{wav.stem}.json")).unlink()
    left = [json.loads(path.read_text()) for path in (tmp_path / "all").rglob("*.json")]
    chosen = recipe_corpus.settings(str(tmp_path / "all"))
    read = params.read(ROOT / "params.yaml")
    read |= {"corpora": {"sprsound": chosen}, "split": recipe_corpus.usual_split(chosen, tmp_path)}
    monkeypatch.chdir(tmp_path)
    YAML().dump(read, tmp_path / "params.yaml")
    assert not judge.problems()
    download.main("sprsound")
    extract.main("sprsound")
    validate.main("sprsound")
    pool.main()
    found = corpus_facts.read()
    assert (found.identity.statement, found.title) == (f"A part of SPRSound ({kept} of 2,683 recordings)", "SPRSound")
    cycles = pl.read_parquet("data/cycles/cycles.parquet")
    recordings = pl.read_parquet("data/cycles/recordings.parquet")
    types = Counter(event["type"] for content in left for event in content["event_annotation"])
    assert (dict(cycles["sprsound_event"].value_counts().iter_rows()), cycles.height) == (types, events)
    assert Counter(recordings["sprsound_record"]) == Counter(content["record_annotation"] for content in left)
    assert set(recordings["sample_rate"]) == {8000}
    assert sorted(recordings["fold"].unique()) == [0, 1, 2, 3, 4]


@pytest.mark.real
def test_all_real_annotations_have_the_published_counts(real_sprsound):
    read = {path.stem: annotations.read(path) for path in (real_sprsound / "json").glob("*.json")}
    types = Counter(event.type for one in read.values() for event in one.events)
    assert (len(read), sum(types.values())) == (1949, 6656)
    assert types == {
        "Normal": 5159, "Fine Crackle": 912, "Wheeze": 452, "Coarse Crackle": 49, "Rhonchi": 39, "Wheeze+Crackle": 30,
        "Stridor": 15,
    }  # fmt: skip
    assert Counter(one.record for one in read.values()) == {
        "Normal": 1303, "DAS": 248, "Poor Quality": 177, "CAS": 134, "CAS & DAS": 87,
    }  # fmt: skip
    assert sorted(known_recordings.digest(name, one) for name, one in read.items()) == (
        known_recordings.TABLE.read_text(encoding="ascii").split()
    )
    here = [read[path.stem] for path in (real_sprsound / "flac").glob("*.flac")]
    assert (len(here), sum(len(one.events) for one in here)) == (400, 1385)
