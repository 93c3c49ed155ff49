"""Plugins of pydantic that other packages install. Breathline needs none.

Standard library only: the launcher of a stage imports it before anything slow.
"""

import os


def disable() -> None:
    """Let pydantic look for no plugins in this process and its children, unless PYDANTIC_DISABLE_PLUGINS is set.

    The search takes 0.02 s of each start. Some plugins report validated values to other machines.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
