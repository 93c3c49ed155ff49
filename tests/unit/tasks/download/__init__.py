import pytest

pytest.register_assert_rewrite("tests.unit.tasks.download.project")  # what it asserts is told as tests tell it
