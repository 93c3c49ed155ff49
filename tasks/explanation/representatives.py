"""Choice of the models that are explained, so that equal networks are not explained many times."""

import json
from collections.abc import Mapping
from typing import Any

STUDENT = "student/"


def of_each_network(cards: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the first student, and the first teacher of each network that no chosen model has.

    Args:
        cards: Content of each model's ``model.json``, by its name such as ``student/1``; students of one network.
    """
    chosen, networks = list[str](), set[str]()
    for name, card in sorted(cards.items(), key=lambda entry: not entry[0].startswith(STUDENT)):
        if _network(card) not in networks:
            chosen.append(name)
            networks.add(_network(card))
    return chosen


def like_students(cards: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return all students, and the first teacher that has their network, for comparison.

    Args:
        cards: Content of each model's ``model.json``, by its name.
    """
    students = [name for name in cards if name.startswith(STUDENT)]
    networks = {_network(cards[name]) for name in students}
    teachers = [name for name in cards if name not in students and _network(cards[name]) in networks]
    return students + teachers[:1]


def _network(card: Mapping[str, Any]) -> str:
    """Return a text that is equal for equal networks."""
    return json.dumps([card["architecture"], card["options"], card["frontend"]], sort_keys=True)
