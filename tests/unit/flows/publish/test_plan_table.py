from __future__ import annotations

from flows.plan import Step
from flows.publish import plan_table
from tests.unit.flows.publish.rendered import cells


def test_every_stage_is_listed_with_its_reasons_in_escaped_markdown():
    odd = "param teachers.a.name: <b>x</b> | *_y_* `z` → [1](2) \\ ~~w~~ #3\nline"
    steps = [Step("data_x@a_b", False, (), ()), Step("b", True, (odd, "upstream data_x@a_b runs"), ("data_x@a_b",))]
    assert cells(plan_table.show(steps)) == [
        ["stage", "plan", "why"],
        ["data_x@a_b", "✓ up to date", ""],
        ["b", "▶ runs", odd.replace("\n", " ") + "\nupstream data_x@a_b runs"],
    ]
    assert plan_table.headline(steps) == "1 of 2 stages run."
    assert plan_table.headline(steps[:1]) == "All 1 stages are up to date."


def test_a_row_shows_the_first_reasons_and_the_number_of_others():
    step = Step("a", True, tuple(f"dep {number}: modified" for number in range(7)), ())
    assert cells(plan_table.show([step]))[1][2].splitlines()[3:] == ["dep 3: modified", "and 3 more"]
