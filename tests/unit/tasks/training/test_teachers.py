"""Choice of the teachers that label a cycle."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.distillation.labelling import label
from tasks.distillation.settings import SoftLabelSettings
from tasks.distillation.soft_labels import combine
from tasks.runtime import item_folders
from tasks.runtime.errors import BreathlineError
from tasks.subsets import folds
from tasks.subsets.assignment import Assignment
from tasks.subsets.settings import FoldSettings
from tasks.training.settings import ChoiceSettings, TeacherSettings
from tasks.training.teachers import baselines, choose, optimizer, over_k, ranked

NOWHERE = Path("nowhere")


def teacher(fold: FoldSettings | None = None) -> TeacherSettings:
    return TeacherSettings(architecture="mn", frontend="wide", weights="scratch", seed=1, fold=fold)


def fold(index: int, of: int = 3) -> FoldSettings:
    return FoldSettings(index=index, of=of)


def assignment(patients: int = 12, each: int = 10) -> Assignment:
    """Return cycles of `patients` training patients, two that validate and one that tests."""
    names = [f"{101 + person}_{cycle:03d}" for person in range(patients + 3) for cycle in range(each)]
    people = {name: name[:3] for name in names}
    random = np.random.default_rng(0)
    where = ["train"] * patients + ["val", "val", "test"]
    return Assignment(
        labels="lungsound_4",
        classes=("normal", "crackle", "wheeze", "both"),
        subsets={name: where[int(people[name]) - 101] for name in names},
        targets={name: int(random.integers(4)) for name in names},
        patients=people,
        recordings=people,
        corpora=dict.fromkeys(people.values(), "demo"),
        devices=dict.fromkeys(people.values(), "demo/Meditron"),
    )


@pytest.mark.parametrize(("override", "name"), [({}, "adamw"), ({"optimizer": {"name": "sam"}}, "sam")])
def test_the_optimizer_of_a_teacher_is_that_of_its_override_or_of_all(override, name):
    parameters = {"teacher_training": {"optimizer": {"name": "adamw"}}}
    assert optimizer(parameters, replace(teacher(), override={"batch_size": 2, **override})) == name


def test_folds_are_whole_training_patients_each_in_one_of_them_and_alike():
    given = assignment()
    parts = [folds.members(given, fold(index)) for index in range(3)]
    assert sorted(cycle for part in parts for cycle in part) == given.cycles("train")
    people = [{given.patients[cycle] for cycle in part} for part in parts]
    assert sum(map(len, people)) == 12
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    for index, part in enumerate(parts):
        rest = folds.without(given, fold(index))
        assert set(rest.cycles("train")) == set(given.cycles("train")) - part
        assert rest.cycles("val", "test") == given.cycles("val", "test")
        shares = np.bincount([given.targets[cycle] for cycle in part], minlength=4)
        assert shares.min() >= 4
    with pytest.raises(BreathlineError, match="2 training patients cannot be divided into 3 folds"):
        folds.members(assignment(patients=2), fold(0))
    with pytest.raises(ValueError, match="no fold 3 of 3"):
        fold(3)


def test_the_first_k_by_id_without_those_of_folds():
    teachers = {name: teacher() for name in ("c", "a", "b")} | {"0": teacher(fold(0))}
    assert choose(teachers, ChoiceSettings(k=2), NOWHERE) == ["a", "b"]
    assert choose({}, ChoiceSettings(k=2), NOWHERE) == []
    with pytest.raises(BreathlineError, match=r"k is 4, and there are 3 teachers in_sample"):
        choose(teachers, ChoiceSettings(k=4), NOWHERE)


def test_baselines_label_nothing():
    teachers = {"a": replace(teacher(), baseline=True), "b": teacher(), "c": teacher()}
    assert choose(teachers, ChoiceSettings(k=1), NOWHERE) == ["b"]
    assert over_k(teachers, ChoiceSettings(k=1), NOWHERE) == {1: ["b"], 2: ["b", "c"]}
    assert baselines(teachers) == ["teacher/a"]
    assert choose({"a": teachers["a"]}, ChoiceSettings(k=1), NOWHERE) == [], "as without teachers"
    with pytest.raises(BreathlineError, match=r"k is 3, and there are 2 teachers in_sample"):
        choose(teachers, ChoiceSettings(k=3), NOWHERE)


def test_numbers_in_ids_are_numbers():
    thirty = {f"ast_s{seed}": teacher() for seed in range(30, 0, -1)}
    assert choose(thirty, ChoiceSettings(k=5), NOWHERE) == [f"ast_s{seed}" for seed in range(1, 6)]


def test_ensembles_of_every_k_are_whole_sets_of_folds():
    alone = {name: teacher() for name in ("c", "a")}
    folded = {f"f{index}_s{seed}": teacher(fold(index)) for index in range(3) for seed in (1, 2)}
    both = alone | folded | {"f0_s3": teacher(fold(0))}
    assert over_k(both, ChoiceSettings(k=2), NOWHERE) == {1: ["a"], 2: ["a", "c"]}
    out_of_fold = over_k(both, ChoiceSettings(k=1, exposure="out_of_fold"), NOWHERE)
    assert out_of_fold == {1: ["f0_s1", "f1_s1", "f2_s1"], 2: ["f0_s1", "f0_s2", "f1_s1", "f1_s2", "f2_s1", "f2_s2"]}, (
        "of fold 0 there is a third, the others have none"
    )
    assert over_k({}, ChoiceSettings(k=2), NOWHERE) == {}


def test_the_best_are_those_with_the_highest_validation_score(tmp_path):
    for name, score in (("a", 50.0), ("b", 60.0), ("c", 60.0)):
        (tmp_path / name).mkdir()
        card = {"selections": {"val": {"score_strict": score}, "paper": {"score_strict": 100 - score}}}
        (tmp_path / name / "model.json").write_text(json.dumps(card))
    teachers = {name: teacher() for name in "abc"}
    settings = ChoiceSettings(k=2, choose="best")
    assert ranked(teachers, settings, tmp_path) == ["b", "c", "a"]
    assert choose(teachers, settings, tmp_path) == ["b", "c"]
    with pytest.raises(BreathlineError, match=r"model\.json: the file is missing[\s\S]*d/model\.json"):
        choose(teachers | {"d": teacher()}, settings, tmp_path)


def test_out_of_fold_needs_k_teachers_of_every_fold_of_one_division():
    settings = ChoiceSettings(k=1, exposure="out_of_fold")
    teachers = {f"{name}_{index}": teacher(fold(index)) for name in "ba" for index in range(3)} | {"whole": teacher()}
    assert choose(teachers, settings, NOWHERE) == ["a_0", "a_1", "a_2"]
    with pytest.raises(BreathlineError, match=r"k is 3, and there are 2 teachers out_of_fold of fold 0"):
        choose(teachers, ChoiceSettings(k=3, exposure="out_of_fold"), NOWHERE)
    lacking = {name: one for name, one in teachers.items() if not name.endswith("_1")}
    with pytest.raises(BreathlineError, match=r"there are 0 of 3, 2 of 3"):
        choose(lacking, settings, NOWHERE)
    with pytest.raises(BreathlineError, match=r"0 of 2, 0 of 3"):
        choose({"a": teacher(fold(0)), "b": teacher(fold(0, 2))}, settings, NOWHERE)


def test_out_of_fold_no_cycle_is_labelled_by_a_teacher_that_learned_from_its_patient():
    given = assignment()
    cycles = given.cycles("train", "val")
    teachers = {f"t{seed}_{index}": teacher(fold(index)) for seed in range(2) for index in range(3)}
    random = np.random.default_rng(2)
    logits = {name: random.normal(size=(len(cycles), 4)).astype(np.float32) for name in teachers}
    settings = SoftLabelSettings(k=2, exposure="out_of_fold")
    soft = label(logits, teachers, given, settings)
    for index in range(3):
        learned_from = {given.patients[cycle] for cycle in folds.without(given, fold(index)).cycles("train")}
        rows = [row for row, cycle in enumerate(cycles) if given.patients[cycle] not in learned_from]
        rows = [row for row in rows if given.subsets[cycles[row]] == "train"]
        expected = combine([logits[f"t0_{index}"], logits[f"t1_{index}"]])
        np.testing.assert_allclose(soft[rows, 0], expected[rows], rtol=1e-6)
    assert {given.subsets[cycle] for cycle in cycles} == {"train", "val"}


def test_the_command_that_removes_leftovers_takes_any_name(tmp_path):
    (tmp_path / "a; rm -rf x").mkdir()
    (tmp_path / "kept").mkdir()
    with pytest.raises(BreathlineError) as error:
        item_folders.check(tmp_path, ["kept"], "Trained teachers")
    assert error.value.hint == f"remove them: rm -r '{tmp_path}/a; rm -rf x'"
