"""The wording lint finds what it names, and leaves plain text alone."""

import pytest

from tests.lint import wording

LONG = " ".join(["word"] * 31)
ARGUMENT = 'def f(seed):\n    """Draw.\n\n    Args:\n        seed: {}\n    """\n'


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.py", '"""What is minimised."""\n', [1]),
        ("a.py", '"""Training objectives."""\n', []),
        ("a.py", f'"""Objectives.\n\n{LONG}.\n"""\n', [3]),
        ("a.py", ARGUMENT.format("Of the augmentation."), [5]),
        (
            "a.py",
            'def f(seed):\n    """Draw.\n\n    Args:\n        seed: Random seed of the augmentation.\n    """\n',
            [],
        ),
        ("a.md", f"# {LONG}\n\n| {LONG} |\n\n```\n{LONG}\n```\n", []),
        ("a.md", f"Short.\n\n- Short. {LONG}.\n", [3]),
        ("a.md", "Two. " + "`a b` " * 31, [1]),
        ("a.html", f"<p>{'x' * 160}</p>\n", [1]),
        ("a.html", f"{'x' * 160}\n", []),
    ],
)
def test_offences_are_found_in_their_lines(name, text, lines, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [line for line, _ in wording.check(tmp_path / name)] == lines


def test_pictures_are_no_text(tmp_path):
    (tmp_path / "a.webp").write_bytes(b"RIFF\xf8\xff")
    assert not list(wording.check(tmp_path / "a.webp"))
