import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.training.features import Features
from models.training.joined_arrays import JoinedArrays
from tests.unit.models.training.toys import write_cache


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4), data=st.data())
def test_rows_are_those_of_one_long_array(lengths, data):
    parts = [
        np.random.default_rng(index).random((length, 2, 3)).astype(np.float16) for index, length in enumerate(lengths)
    ]
    joined, whole = JoinedArrays(parts), np.concatenate(parts)
    rows = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)), dtype=np.int64)
    assert (joined.shape, len(joined)) == (whole.shape, len(whole))
    assert np.array_equal(joined[rows], whole[rows])
    assert joined.row_bytes == whole[0].nbytes


def test_features_of_several_corpora_are_read_by_cycle(tmp_path):
    first = write_cache(tmp_path / "ast" / "b", np.arange(5) % 4, frontend="ast")
    second = write_cache(tmp_path / "ast" / "a", np.arange(7) % 4, first=201, frontend="ast")
    features = Features(tmp_path / "ast")
    alone = Features(tmp_path / "ast" / "b")
    assert np.array_equal(features.read(features.find(first)), alone.read(alone.find(first)))
    assert set(features.rows) == {*first, *second}
