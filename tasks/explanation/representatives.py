"""Choice of the models that are explained, so that equal networks are not explained many times."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tasks.runtime import params

STUDENT = "student/"


def first_student(names: Iterable[str]) -> str:
    """Return the name of the student with the smallest seed, which is explained and shown.

    Args:
        names: Names of models, such as ``student/1``.
    """
    return min((name for name in names if name.startswith(STUDENT)), key=params.natural)


def of_each_network(cards: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the first student, and the first teacher of each network that no chosen model has.

    Args:
        cards: Content of each model's ``model.json``, by its name such as ``student/1``; students of one network.
    """
    chosen, networks = list[str](), set[str]()
    for name in sorted(cards, key=lambda name: (not name.startswith(STUDENT), params.natural(name))):
        if (network := _network(cards[name])) not in networks:
            chosen.append(name)
            networks.add(network)
    return chosen


def like_students(cards: Mapping[str, Mapping[str, Any]], baselines: Collection[str]) -> list[str]:
    """Return all students, and one teacher that has their network, for comparison: a baseline if there is one.

    Args:
        cards: Content of each model's ``model.json``, by its name.
        baselines: Names of the baselines, which are trained for comparison.
    """
    students = [name for name in cards if name.startswith(STUDENT)]
    networks = {_network(cards[name]) for name in students}
    teachers = [name for name in cards if name not in students and _network(cards[name]) in networks]
    return students + sorted(teachers, key=lambda name: name not in baselines)[:1]


def _network(card: Mapping[str, Any]) -> str:
    """Return a text that is equal for equal networks."""
    return json.dumps([card["architecture"], card["options"], card["frontend"]], sort_keys=True)
