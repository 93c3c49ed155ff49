"""Page faults of repeated large allocations, in a process of its own."""

import ctypes
import subprocess
import sys

import pytest

# Without huge pages, of which some systems give one fault instead of 512.
CODE = """
import ctypes, resource
PR_SET_THP_DISABLE = 41
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
from tasks.runtime.allocator import keep_freed_memory

def page_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        bytearray(64 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual, kept = page_faults(), keep_freed_memory()
page_faults()
print(usual, page_faults(), kept)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="only glibc has the setting")
def test_large_blocks_are_used_again_without_page_faults():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, encoding="utf-8", check=True)
    usual, later, kept = done.stdout.split()
    assert kept == "True"
    assert int(usual) > 1000
    assert int(later) < int(usual) / 10
