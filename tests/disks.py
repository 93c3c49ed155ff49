"""Real disks with faults, which only one process and its children see.

The process has mounts of its own (`unshare`), so that nothing stays mounted, however a test ends. It also loses the
right of root to ignore the modes of files.
"""

import functools
import subprocess

import pytest

MODES_COUNT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@functools.cache
def prefix() -> tuple[str, ...]:
    """Return the command that gives another command mounts of its own; empty where the machine does not permit it."""
    for unshare in (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount")):
        command = (*unshare, *MODES_COUNT)
        try:
            done = subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
        except FileNotFoundError:
            return ()
        if done.returncode == 0:
            return command
    return ()


def require_mounts() -> None:
    """Skip a test, visibly, where the machine does not permit mounts."""
    if not prefix():
        pytest.skip("this machine permits no mount, neither to this user nor in a user namespace")
