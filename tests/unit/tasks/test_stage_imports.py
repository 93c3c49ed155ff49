"""Libraries that `extract` and `fbank` do without: their imports took as long as the work on a small corpus."""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.tasks.test_extract import write_raw

ROOT = Path(__file__).parents[3]
UNWANTED = {"torch", "torchaudio", "torchvision", "pandas", "polars", "pyarrow.compute", "scipy", "sklearn"}
STAGES = """
import sys
from pathlib import Path
from tasks import fbank
from tasks.extract import extract

extract(Path("raw/icbhi"), Path("data/extracted/demo"), Path("data/waveforms/demo"), rates=[16_000], workers=2)
fbank.main("demo-ast")
print(*sys.modules)
"""


def test_from_wav_to_features_no_unneeded_library_is_imported(tmp_path):
    write_raw(tmp_path / "raw/icbhi")
    (tmp_path / "params.yaml").write_text("frontends: {ast: {duration_s: 1.0}}\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", STAGES], cwd=tmp_path, env=env, stdout=subprocess.PIPE, check=True, text=True
    )
    assert (tmp_path / "data/fbank/ast/demo/features.npy").stat().st_size > 9 * 98 * 128 * 2
    assert not UNWANTED & set(done.stdout.split())
