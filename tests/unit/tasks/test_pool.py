"""Tables and facts of several training corpora together."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tasks.pool import pool
from tasks.runtime import corpus_facts
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.corpus_facts import CorpusFacts, LabelSet, Licence
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json
from tests.unit.tasks.evaluation.example import facts

SUMMARY = {"missing": [], "corrections": [], "rates": [16_000]}


def corpus(folder: Path, name: str, patient: str, own: dict[str, object], about: CorpusFacts) -> Path:
    """Write the tables of one recording with two cycles, and return their folder."""
    shared = {"corpus": name, "recording_id": f"{patient}_1", "patient_id": patient}
    folder.mkdir(parents=True)
    pl.DataFrame([{**shared, "age": 3.0, **own}]).write_parquet(folder / "recordings.parquet")
    cycles = [{**shared, "cycle_id": f"{patient}_1_00{index}", "lungsound_4": index, **own} for index in (0, 1)]
    pl.DataFrame(cycles).write_parquet(folder / "cycles.parquet")
    classes = {"train": {"lungsound_4": {"normal": 1, "crackle": 1}}}
    write_json(folder / "summary.json", {**SUMMARY, "recordings": 1, "cycles": 2, "classes": classes})
    corpus_facts.write(folder, replace(about, name=name))
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    free, paid = Licence(name="free", text="Free."), Licence(name="paid", text="Ask.")
    one = replace(facts(), licence=free, citation="A. 2020", limits=("Small.",), creators=("A.", "B."))
    two = replace(facts(), title="Second", licence=paid, citation="B. 2021", limits=("Small.", "Old."), generated=True)
    two = replace(two, creators=("B.", "C."))
    two = replace(
        two, label_sets={**two.label_sets, "own_2": LabelSet(column="own_2", classes=("a", "b"), description="")}
    )
    return {
        "b": corpus(tmp_path / "b", "b", "7", {"b_mode": "x"}, one),
        "a": corpus(tmp_path / "a", "a", "5", {"a_rate": 2}, two),
    }


def test_rows_of_all_corpora_are_sorted_and_own_columns_are_null_elsewhere(folders, tmp_path):
    pool(folders, tmp_path / "pool")
    cycles = pl.read_parquet(tmp_path / "pool" / "cycles.parquet")
    assert cycles["cycle_id"].to_list() == ["5_1_000", "5_1_001", "7_1_000", "7_1_001"]
    assert cycles.select("corpus", "a_rate", "b_mode").rows()[1:3] == [("a", 2, None), ("b", None, "x")]
    summary = read_json(tmp_path / "pool" / "summary.json")
    assert (summary["recordings"], summary["cycles"], set(summary["corpora"])) == (2, 4, {"a", "b"})
    assert summary["classes"] == {"train": {"lungsound_4": {"normal": 2, "crackle": 2}}}


def test_joined_facts_keep_the_terms_and_limits_of_each_corpus_and_claim_nothing_for_both(folders, tmp_path):
    pool(folders, tmp_path / "pool")
    found = corpus_facts.read(tmp_path / "pool")
    assert [part.name for part in found.parts] == ["b", "a"]
    assert ([part.generated for part in found.parts], found.generated) == ([False, True], True), "in part is generated"
    assert found.citation == "A. 2020\nB. 2021"
    assert found.creators == ("A.", "B.", "C.")
    assert found.licence == Licence(name="free and paid", text="Other corpus: Free. Second: Ask.")
    assert found.limits == ("Small.", "Old.")
    assert found.published == ()
    assert set(found.label_sets) == {*facts().label_sets, "own_2"}
    assert found.group_columns[0].column == "corpus"


def test_the_tables_of_one_corpus_stay_as_they_are(folders, tmp_path):
    pool({"a": folders["a"]}, tmp_path / "pool")
    assert pl.read_parquet(tmp_path / "pool" / "cycles.parquet").equals(
        pl.read_parquet(folders["a"] / "cycles.parquet")
    )
    assert corpus_facts.read(tmp_path / "pool") == corpus_facts.read(folders["a"])


def test_corpora_that_share_a_patient_or_differ_in_a_label_set_are_refused(folders, tmp_path):
    same = corpus(tmp_path / "c", "c", "7", {}, facts())
    with pytest.raises(BreathlineError, match=r"The corpora b and c share 1 recording: 7_1"):
        pool({**folders, "c": same}, tmp_path / "pool")
    other = replace(
        facts(), label_sets={"lungsound_4": LabelSet(column="lungsound_4", classes=("x", "y"), description="")}
    )
    with pytest.raises(BreathlineError, match="label set `lungsound_4` of the corpus d has other classes"):
        pool({**folders, "d": corpus(tmp_path / "d", "d", "9", {}, other)}, tmp_path / "pool")
