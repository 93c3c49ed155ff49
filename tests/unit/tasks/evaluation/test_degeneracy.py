import numpy as np
import pytest

from tasks.evaluation.degeneracy import kind, of_several

CLASSES = ("normal", "crackle", "wheeze")


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[5, 0, 0], [3, 0, 0], [2, 0, 0]], "always normal"),
        ([[0, 5, 0], [0, 3, 0], [0, 2, 0]], "always crackle"),
        ([[0, 4, 1], [0, 3, 0], [0, 0, 2]], "never normal"),
        ([[14, 1, 0], [7, 0, 0], [3, 0, 0]], "finds no abnormal cycle"),
        ([[0, 9, 1], [1, 2, 0], [0, 0, 2]], "finds no normal cycle"),
        ([[1, 9, 0], [9, 0, 1], [2, 0, 0]], None),
        ([[4, 1, 0], [6, 0, 0], [3, 0, 0]], None),
        ([[0, 8, 1], [1, 2, 0], [0, 0, 2]], None),
        ([[0, 0, 0], [0, 3, 1], [0, 1, 2]], None),
        ([[5, 0, 0], [0, 0, 0], [0, 0, 0]], None),
    ],
    ids=[
        "normal",
        "crackle",
        "no normal",
        "one cycle other",
        "Sp 0",
        "another class",
        "9 abnormal cycles",
        "9 normal cycles",
        "no normal cycle to find",
        "only normal cycles",
    ],
)
def test_degenerate_models_are_named_by_their_kind(matrix, expected):
    assert kind(np.array(matrix), CLASSES) == expected


def test_degenerate_seeds_are_named():
    assert of_several({"1": None, "2": None}) is None
    assert of_several({"1": "always normal", "2": "always normal"}) == "always normal"
    assert of_several({"1": "always normal", "2": None, "3": "never normal", "4": "always normal"}) == (
        "always normal: 1, 4; never normal: 3"
    )
