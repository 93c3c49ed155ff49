"""Level, duration and spectrum of the recordings by corpus and device."""

import numpy as np
import polars as pl
import pytest

from tasks.reporting.sections import domains


class Features:
    """Features of two mel bins: those of cycle n are n and 10 n in every frame."""

    mels = 2

    def find(self, cycles: list[str]) -> np.ndarray:
        return np.array([int(cycle[1:]) for cycle in cycles])

    def read(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([np.tile([row, 10 * row], (3, 1)) for row in rows]).astype(np.float16)


@pytest.fixture
def tables(tmp_path):
    """Return the folder of the tables: three recordings with one device, and one with an unknown one."""
    pl.DataFrame(
        {
            "corpus": ["a"] * 4,
            "device": ["x", "x", "x", None],
            "patient_id": ["1", "1", "2", "3"],
            "rms_dbfs": [-40.0, -30.0, -20.0, float("-inf")],
            "sample_rate": [4000, 44100, 4000, 8000],
        }
    ).write_parquet(tmp_path / "recordings.parquet")
    pl.DataFrame(
        {
            "cycle_id": ["c1", "c2", "c3", "c4", "c9"],
            "corpus": ["a"] * 5,
            "device": ["x"] * 4 + [None],
            "duration_s": [1.0, 2.0, 3.0, 4.0, 9.0],
            "lungsound_4": [0, 0, 3, None, None],
        },
        schema_overrides={"lungsound_4": pl.Int8},
    ).write_parquet(tmp_path / "cycles.parquet")
    return tmp_path


def test_each_device_has_its_own_level_duration_and_spectrum(tables):
    one, other = domains.of_tables(tables, Features(), "lungsound_4")
    assert (one.name, one.counts) == ("a, x", {"recordings": 3, "patients": 2, "cycles": 4})
    assert one.normal == pytest.approx(2 / 3)
    assert one.level == pytest.approx([-38, -30, -22])
    assert one.duration == pytest.approx([1.3, 2.5, 3.7])
    assert one.rates == [4000, 44100]
    assert one.spectrum.tolist() == [2.5, 25]
    # Digital silence has no level, and cycles without a label no share of normal ones.
    assert (other.name, other.normal, other.level) == ("a, unknown device", None, [None] * 3)
    assert [row["rates"] for row in domains.rows([one, other])] == ["4,000, 44,100", "8,000"]


@pytest.mark.parametrize(("most", "chosen"), [(2, [1, 4]), (3, [1, 3, 4]), (4, [1, 2, 3, 4]), (9, [1, 2, 3, 4])])
def test_the_spectrum_is_that_of_evenly_chosen_cycles(tables, monkeypatch, most, chosen):
    monkeypatch.setattr(domains, "MOST", most)
    one, _ = domains.of_tables(tables, Features(), "lungsound_4")
    assert one.spectrum.tolist() == pytest.approx([np.mean(chosen), 10 * np.mean(chosen)])
