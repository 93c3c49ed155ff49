"""Predictions of a finished project, and the settings by which the report's numbers follow from them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from ruamel.yaml import YAML

from tests.recompute import scores

BOTH = ("strict", "lenient")
ALWAYS, DEGENERATE = "always “", " (degenerate)"


@dataclass(frozen=True)
class Run:
    """A finished project.

    Attributes:
        root: Folder of the project.
        params: Contents of ``params.yaml``.
        facts: Contents of ``data/cycles/corpus.json``.
        cards: Contents of each network's ``model.json``, by the name of the network such as ``student/1``.
        test: Predictions on the test cycles, with the columns by which results are grouped.
        external: Predictions on external corpora.
        native: Predictions of heads in the own classes of each corpus.
    """

    root: Path
    params: dict[str, Any]
    facts: dict[str, Any]
    cards: dict[str, dict[str, Any]]
    test: pl.DataFrame
    external: pl.DataFrame
    native: pl.DataFrame

    @property
    def evaluation(self) -> dict[str, Any]:
        """Settings of the evaluation."""
        return self.params["evaluation"]

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        return float(self.evaluation["confidence"])

    @cached_property
    def corpora(self) -> list[dict[str, Any]]:
        """Facts of each corpus."""
        tested = (self.root / "data/external/tested").glob("*/corpus.json")
        return [*(self.facts["parts"] or [self.facts]), *(json.loads(path.read_bytes()) for path in tested)]

    @cached_property
    def label_sets(self) -> dict[str, Any]:
        """Label sets of the training corpora by name."""
        return json.loads((self.root / "data/cycles/label_sets.json").read_bytes())

    @property
    def split(self) -> str:
        """Split, of all corpora or of each by its name."""
        split = self.params["split"]
        return ", ".join(f"{name}: {one}" for name, one in split.items()) if isinstance(split, dict) else str(split)

    @cached_property
    def columns(self) -> list[str]:
        """Columns of the probabilities."""
        return [name for name in self.test.columns if name.startswith("p_")]

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes, the normal one first."""
        return [name.removeprefix("p_") for name in self.columns]

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Networks by each name of the page: those of the rows for each model first, in their order."""
        seeds = [f"student/{seed}" for seed in self.seeds]
        labelling, baselines = self.labelling(self.params["soft_labels"]["k"]), self.baselines
        known = {"student" if len(seeds) == 1 else f"student, mean of {len(seeds)} seeds": seeds}
        known |= {f"student seed {one.partition('/')[2]}": [one] for one in (seeds if len(seeds) > 1 else ())}
        known |= {one.replace("teacher/", "baseline "): [one] for one in baselines}
        known |= {"ensemble of teachers": ["ensemble"]} if "ensemble" in self.test["model"] else {}
        known |= {one.replace("teacher/", "teacher "): [one] for one in labelling}
        teachers = sorted(f"teacher/{one}" for one in self.params["teachers"])
        others = [one for one in teachers if one not in (*labelling, *baselines)]
        return known | {f"{one.replace('teacher/', 'teacher ')}, labels nothing": [one] for one in others}

    @cached_property
    def sides(self) -> dict[str, list[str]]:
        """Networks that the student is compared with, by their names on the page."""
        labelling, baselines = self.labelling(self.params["soft_labels"]["k"]), self.baselines
        one = len(labelling) == 1
        teachers = f"the mean of the {len(labelling)} teacher{'' if one else 's'} that label{'s' if one else ''}"
        of_baselines = "the baseline" if len(baselines) == 1 else f"the mean of the {len(baselines)} baselines"
        found = {"the ensemble": ["ensemble"] if "ensemble" in self.test["model"] else []}
        found |= {teachers: labelling, of_baselines: baselines}
        return {name: networks for name, networks in found.items() if networks}

    @cached_property
    def baselines(self) -> list[str]:
        """Teachers that are only compared with the student."""
        return [f"teacher/{name}" for name in self._teachers if self.params["teachers"][name].get("baseline")]

    @cached_property
    def networks(self) -> list[str]:
        """Names of all networks: teachers, then students."""
        teachers = [f"teacher/{name}" for name in self._teachers]
        return [*teachers, *(f"student/{seed}" for seed in self.seeds)]

    @property
    def first_student(self) -> str:
        """Name of the student with the smallest seed, whose cycles are shown."""
        return f"student/{self.seeds[0]}"

    @property
    def seeds(self) -> list[int]:
        """Seeds of the student, sorted as numbers."""
        return sorted(self.params["student"]["seeds"])

    @property
    def _teachers(self) -> list[str]:
        return sorted(self.params["teachers"], key=_natural)

    @cached_property
    def pools(self) -> list[list[str]]:
        """Teachers that may label, in the order of preference: one list, or one for each fold."""
        teachers, choice = self.params["teachers"], self.params["soft_labels"]
        folded = choice["exposure"] == "out_of_fold"
        pool = [
            name
            for name in self._teachers
            if not teachers[name].get("baseline") and (teachers[name].get("fold") is not None) == folded
        ]
        if choice["choose"] == "best":
            pool.sort(key=lambda name: -self.cards[f"teacher/{name}"]["selections"]["val"]["score_strict"])
        folds = {name: (teachers[name].get("fold") or {}).get("index", 0) for name in pool}
        return [[name for name in pool if folds[name] == fold] for fold in sorted(set(folds.values()))]

    def labelling(self, k: int) -> list[str]:
        """Return the teachers whose ensemble has k teachers for each cycle."""
        return [f"teacher/{name}" for pool in self.pools for name in pool[:k]]

    def models(self, name: str) -> list[str]:
        """Return the networks that a row of the page names.

        Raises:
            LookupError: There is no such row.
        """
        words = name.partition(DEGENERATE)[0]
        for ending in (" networks fixed", " patients and seeds"):
            words = words.removesuffix(ending)
        if words.startswith(ALWAYS):
            words = next(iter(self.names))
        found = (self.names | self.sides).get(words)
        if found is None:
            raise LookupError(f"no model has the name {words}")
        return found

    def of(self, name: str, selection: str = "val") -> pl.DataFrame:
        """Return the predictions of the networks that a row of the page names."""
        rows = self.test.filter(pl.col("model").is_in(self.models(name)), selection=selection)
        return rows.with_columns(predicted=pl.lit(0, pl.Int8)) if name.startswith(ALWAYS) else rows

    @cached_property
    def student(self) -> pl.DataFrame:
        """Predictions of the student's seeds."""
        return self.of(next(iter(self.names)))

    def rule(self, model: str, selection: str = "val") -> dict[str, Any]:
        """Return thresholds and temperature of a network; those of the ensemble are means over its members."""
        if model != "ensemble":
            return dict(self.cards[model].get("decision_rules", {}).get(selection, {}))
        return self.mean_rule(self.labelling(self.params["soft_labels"]["k"]))

    def mean_rule(self, members: Sequence[str]) -> dict[str, Any]:
        """Return the thresholds of the ensemble of some teachers."""
        rules = [self.rule(name) for name in members]
        keys = [key for key in ("threshold", *BOTH) if all(rule.get(key) is not None for rule in rules)]
        return {key: round(float(np.mean([rule[key] for rule in rules])), 4) for key in keys}

    def thresholds(self, rows: pl.DataFrame) -> dict[str, list[float | None]]:
        """Return the threshold of each network of predictions by each rule; None for the most probable class.

        The rule `own` is that of the networks, if it is none of the others.
        """
        rules = [self.rule(name) for name in rows["model"].unique(maintain_order=True)]
        found = {"argmax": [None] * len(rules), **{key: [rule.get(key) for rule in rules] for key in BOTH}}
        known = {key: values for key, values in found.items() if key == "argmax" or None not in values}
        own = [rule.get("threshold") for rule in rules]
        return known if own in known.values() else known | {"own": own}

    def temperatures(self, rows: pl.DataFrame) -> list[float]:
        """Return the temperature of each network of predictions; nothing if one has none."""
        found = [self.rule(name).get("temperature") for name in rows["model"].unique(maintain_order=True)]
        return [] if None in found else found

    def with_temperature(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return predictions with the probabilities that the temperature of each network gives."""
        parts = []
        for (model,), part in rows.group_by("model", maintain_order=True):
            raised = part.select(self.columns).to_numpy().astype(float) ** (1 / self.rule(str(model))["temperature"])
            parts.append(part.with_columns(pl.from_numpy(raised / raised.sum(axis=1, keepdims=True), self.columns)))
        return pl.concat(parts)

    def marked(self, name: str, rows: pl.DataFrame) -> str:
        """Return the name of a row, with a mark if one of the networks of its predictions is degenerate."""
        return name + DEGENERATE * any(scores.degenerate(part) for part in scores.networks(rows))

    def group(self, title: str) -> dict[str, Any]:
        """Return the column of groups with a title, in small letters, and the words for its values."""
        return next(one for one in self.facts["group_columns"] if one["title"].lower() == title.lower())


def read(root: Path) -> Run:
    """Return the run of a finished project."""
    evaluation, facts = root / "data/evaluation", json.loads((root / "data/cycles/corpus.json").read_bytes())
    cards = {
        f"{kind}/{path.parent.name}": json.loads(path.read_bytes())
        for kind, folder in (("student", "student"), ("teacher", "teachers"))
        for path in (root / "data" / folder).glob("*/model.json")
    }
    test, external, native = (
        pl.read_parquet(evaluation / f"{name}.parquet") for name in ("predictions", "external", "native")
    )
    groups = [one["column"] for one in facts["group_columns"] if one["column"] != "corpus"]
    known = _with_ages(pl.read_parquet(root / "data/cycles/recordings.parquet")).select("recording_id", *groups)
    known = known.with_columns(pl.col(groups).cast(pl.String).fill_null("unknown"))
    params = YAML(typ="safe").load(root / "params.yaml")
    return Run(root, params, facts, cards, test.join(known, on="recording_id", how="left"), external, native)


def _with_ages(recordings: pl.DataFrame) -> pl.DataFrame:
    words = [
        None if age is None else "child (< 19)" if age < 19 else "adult (19–64)" if age < 65 else "elderly (≥ 65)"
        for age in recordings["age"]
    ]
    return recordings.with_columns(age_group=pl.Series(words, dtype=pl.String))


def _natural(name: str) -> list[tuple[str, int]]:
    """Return a sort key by which s2 comes before s10."""
    return [(text, int(number or -1)) for text, number in re.findall(r"(\D*)(\d*)", name)]
