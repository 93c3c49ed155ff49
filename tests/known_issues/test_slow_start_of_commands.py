"""Every command took 1.2 s longer to start where `rfc3987-syntax` was installed.

jsonschema imports that package wherever it is installed, and Prefect and Great Expectations import jsonschema. The
override in pyproject.toml keeps it out of the environment.
"""

from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_rfc3987_syntax_is_not_installed():
    assert "rfc3987-syntax==1.1.0 ; sys_platform == 'never'" in (ROOT / "requirements.lock").read_text()
    assert find_spec("rfc3987_syntax") is None
