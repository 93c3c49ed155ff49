"""Cycles by which the cost of weights of 8 bits is measured, of a finished run."""

import json

import numpy as np
import polars as pl
import pytest

from models.training.features import Features
from models.training.normalization import Normalization
from tasks.exporting import int8
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.subsets import assignment


def test_cycles_labels_and_offsets_are_those_of_the_project(finished_run, monkeypatch):
    monkeypatch.chdir(finished_run)
    monkeypatch.setitem(int8.COUNTS, "train", 5)
    [folder, *_] = sorted(finished_run.glob("data/export/*"))
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    card["normalization"] = {"level": "none", "spectrum": "recording", "mean": [0.5] * card["mels"]}
    found = int8.read(card)
    assigned = assignment.from_params(params.read())
    assert len(found["train"].given) == 5
    waveforms = pl.concat(
        [pl.read_parquet(path) for path in finished_run.glob(f"data/waveforms/*/{card['sample_rate']}.parquet")]
    )
    samples = dict(zip(waveforms["cycle_id"], waveforms["samples"], strict=True))
    features = Features(finished_run / "data/fbank" / card["frontend"])
    normalization = Normalization.from_card(card)
    for subset in ("val", "test"):
        cycles = assigned.cycles(subset)
        assert found[subset].labels.tolist() == [assigned.targets[cycle] for cycle in cycles]
        [sources] = assigned.sources(subset)
        means = features.means(features.find(sources.cycles))
        offsets = dict(
            zip(sources.cycles, normalization.offsets(means, sources.recordings, sources.devices), strict=True)
        )
        for cycle, given in zip(cycles, found[subset].given, strict=True):
            np.testing.assert_array_equal(given["waveform"], [samples[cycle].to_numpy()])
            assert given["lengths"].tolist() == [len(samples[cycle])]
            np.testing.assert_array_equal(given["offsets"], [offsets[cycle]])
    with pytest.raises(BreathlineError, match="other classes than those of the project"):
        int8.read(card | {"classes": ["normal", "abnormal"]})
