"""The stage `fbank`: whole caches or none, equal bytes, bounded memory, and errors that name the cycle."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.frontends.registry import create_array
from tasks import fbank
from tasks.features import cache
from tasks.features.arrays import Statistics, compute, round_to_half
from tasks.runtime import schemas
from tasks.runtime.disk_errors import DiskError
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

ROOT = Path(__file__).parents[3]
RATE = 16_000
LENGTHS = (1, 399, 3_200, 8_000, 8_001, 20_000, 5, 160, 4_000, 7_777, 12_345)


def waveforms(lengths: Sequence[int]) -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    return [generator.normal(0, 0.05, length).astype(np.float32) for length in lengths]


def lay_out(
    folder: Path, samples: Sequence[object], *, ids: Sequence[str] | None = None, table_ids: Sequence[str] | None = None
) -> tuple[Path, Path]:
    ids = ids or [f"101_1b1_Al_sc_Meditron_{row:03d}" for row in range(len(samples))]
    cycles, audio = folder / "data/extracted/demo/cycles.parquet", folder / f"data/waveforms/demo/{RATE}.parquet"
    for path in (cycles, audio):
        path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"cycle_id": pa.array(ids if table_ids is None else table_ids, pa.string())}), cycles)
    table = pa.table(
        [pa.array(ids, pa.string()), pa.array(samples, schemas.AUDIO.field("samples").type)], schema=schemas.AUDIO
    )
    pq.write_table(table, audio, row_group_size=3)
    return cycles, audio


def build(corpus: tuple[Path, Path], out: Path, *, workers: int = 2) -> None:
    cache.build(create_array("ast", 0.5), *corpus, out, duration_s=0.5, workers=workers)


def test_every_cycle_has_its_row(tmp_path):
    cycles = waveforms(LENGTHS)
    corpus = lay_out(tmp_path, cycles)
    build(corpus, tmp_path / "out")

    features = np.load(tmp_path / "out/features.npy", mmap_mode="r")
    index = pq.read_table(tmp_path / "out/index.parquet")
    front_end = create_array("ast", 0.5)
    assert features.dtype == np.float16
    assert index.schema.equals(pa.schema({"cycle_id": pa.string(), "row": pa.int32()}))
    assert index["cycle_id"].to_pylist() == pq.read_table(corpus[0])["cycle_id"].to_pylist()
    for cycle, row in zip(cycles, index["row"].to_pylist(), strict=True):
        np.testing.assert_allclose(features[row], front_end(front_end.clip(cycle)), rtol=0, atol=1e-3)
    card = json.loads((tmp_path / "out/statistics.json").read_text())
    known = {"frontend": "ast", "sample_rate": RATE, "duration_s": 0.5, "pad": "repeat", "fade": True}
    known |= dict(zip(("cycles", "frames", "mels"), features.shape, strict=True))
    assert card | known == card
    assert math.isclose(card["mean"], features.mean(dtype=np.float64), rel_tol=1e-6)
    assert len(card["sd_per_mel"]) == 128


def test_the_bytes_do_not_depend_on_the_number_of_workers(tmp_path):
    corpus = lay_out(tmp_path, waveforms(LENGTHS * 4))
    for workers in (1, 4):
        build(corpus, tmp_path / f"{workers}", workers=workers)
    for name in ("features.npy", "index.parquet", "statistics.json"):
        assert sha256(tmp_path / "1" / name) == sha256(tmp_path / "4" / name)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ([], "has no samples"),
        (None, "has no samples"),
        ([0.1, math.nan, 0.1], "1 of 11 cycles are not finite"),
        ([math.nan] * 9_000, "1 of 11 cycles are not finite"),
        ([0.1, math.inf, 0.1], "not finite"),
        ([1e30, -1e30, 0.1], "not finite"),
    ],
    ids=["empty", "null", "nan", "all nan", "inf", "overflow"],
)
def test_a_cycle_without_usable_samples_is_named_and_no_cache_is_left(tmp_path, broken, message):
    samples: list[object] = list(waveforms(LENGTHS))
    samples[6] = broken
    out = tmp_path / "out"
    with pytest.raises(BreathlineError, match=f"_006.*{message}|{message}.*_006"):
        build(lay_out(tmp_path, samples), out)
    assert list(out.iterdir()) == []


def test_the_first_cycles_without_finite_features_are_named_with_their_number(tmp_path):
    samples: list[object] = list(waveforms(LENGTHS * 3))
    samples[2:9] = [[math.nan] * 900] * 7
    with pytest.raises(BreathlineError, match=r"7 of 33 cycles .*_002, .*_003, .*_006 and 2 more") as caught:
        build(lay_out(tmp_path, samples), tmp_path / "out")
    assert caught.value.where == tmp_path / "data/waveforms/demo/16000.parquet"
    assert "lr" not in str(caught.value)


@pytest.mark.parametrize(
    ("ids", "table_ids", "message"),
    [
        (["a", "b"], ["a", "b", "c", "d"], "2 cycle.* without a waveform: c, d"),
        (["a", "b"], ["a"], "1 cycle.* not in the table.*: b"),
        (["b", "a"], ["a", "b"], "out of order.*: a"),
        (["a", "a"], ["a"], "duplicated: a"),
        (["a", "b"], ["b", "a"], "out of order.*: a"),
        ([], [], "no cycles"),
    ],
)
def test_waveforms_that_are_not_the_tables_cycles_are_refused(tmp_path, ids, table_ids, message):
    corpus = lay_out(tmp_path, waveforms([9] * len(ids)), ids=ids, table_ids=table_ids)
    with pytest.raises(BreathlineError, match=message):
        build(corpus, tmp_path / "out")


def test_broken_waveform_files_are_refused(tmp_path):
    corpus = lay_out(tmp_path, waveforms(LENGTHS))
    whole = corpus[1].read_bytes()
    middle = len(whole) // 2
    refused = r"Table of waveforms.*(not a complete Parquet|empty)(.|\n)*repro extract"
    for broken in (whole[:middle], whole[:middle] + bytes(1000) + whole[middle + 1000 :], b""):
        corpus[1].write_bytes(broken)
        with pytest.raises(BreathlineError, match=refused):
            build(corpus, tmp_path / "out")
        assert not (tmp_path / "out/features.npy").exists()
    pq.write_table(pa.table({"cycle_id": ["a"], "samples": [[1]]}), corpus[1])
    with pytest.raises(BreathlineError, match="other columns"):
        build(corpus, tmp_path / "out")
    corpus[1].unlink()
    with pytest.raises(BreathlineError, match=r"is missing(.|\n)*extract"):
        build(corpus, tmp_path / "out")


def test_a_limit_of_the_file_size_is_named_and_leaves_nothing(tmp_path):
    corpus = lay_out(tmp_path, waveforms(LENGTHS))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(
            DiskError, match=r"exceed the largest size(.|\n)*features.npy .*limit of this process is 50.0 kB"
        ):
            build(corpus, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "out").iterdir()) == []


def run_stage(folder: Path) -> subprocess.Popen[str]:
    command, env = [sys.executable, "-m", "tasks.fbank", "demo-ast"], {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=env | {"COLUMNS": "200"}, stderr=subprocess.PIPE, text=True)


@pytest.mark.long  # starts two processes, about 3 s; `make test` kills the stage under DVC
def test_a_killed_stage_leaves_no_cache_and_the_next_run_gives_the_same_bytes(tmp_path):
    corpus = lay_out(tmp_path, waveforms([9_000] * 600))
    (tmp_path / "params.yaml").write_text("frontends: {ast: {duration_s: 8.0}}\n")
    out = tmp_path / "data/fbank/ast/demo"
    with run_stage(tmp_path) as killed:
        while not (begun := [path for path in out.glob(".features*") if path.stat().st_size > 1_000_000]):
            assert killed.poll() is None, killed.stderr.read() if killed.stderr else None
            time.sleep(0.001)
        killed.send_signal(signal.SIGKILL)
    assert begun
    assert not (out / "features.npy").exists()
    with run_stage(tmp_path) as again:
        assert again.wait() == 0, again.stderr.read() if again.stderr else None
    assert sorted(path.name for path in out.iterdir()) == ["features.npy", "index.parquet", "statistics.json"]
    cache.build(create_array("ast", 8.0), *corpus, tmp_path / "undisturbed", duration_s=8.0, workers=1)
    for path in out.iterdir():
        assert sha256(path) == sha256(tmp_path / "undisturbed" / path.name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{ast: {duration: 8.0}}", "frontends.ast.duration"),
        ("{ast: {duration_s: 0}}", "frontends.ast.duration_s"),
        ("{ast: {duration_s: 0.01}}", "a number from 0.1 to 120"),
        ("{}", "`frontends.ast` is missing"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path, monkeypatch, capfd, settings, message):
    (tmp_path / "params.yaml").write_text(f"frontends: {settings}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        fbank.main("demo-ast")
    assert ended.value.code == 1
    assert message in capfd.readouterr().err


MEASURE = """
import re, sys
from pathlib import Path
from models.frontends.registry import create_array
from tasks.features.cache import build

for corpus in sys.argv[1:]:
    cycles = Path(corpus, "data/extracted/demo/cycles.parquet")
    audio = Path(corpus, "data/waveforms/demo/16000.parquet")
    build(create_array("ast", 8.0), cycles, audio, Path(corpus, "out"), duration_s=8.0, workers=2)
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.long  # processes a large corpus, about 12 s
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    for name, cycles in (("small", 40), ("large", 400)):
        noise = np.random.default_rng(1).standard_normal((cycles, 12 * RATE), dtype=np.float32)  # does not compress
        lay_out(tmp_path / name, list(noise))
    command = [sys.executable, "-c", MEASURE, tmp_path / "small", tmp_path / "large"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, text=True).stdout
    small, large = (int(kilobytes) / 1e3 for kilobytes in printed.split())
    assert large < 1000
    assert large - small < 120, "360 cycles more are 276 MB of waveforms and 74 MB of features"


def test_the_cache_holds_what_the_front_end_computes():
    front_end, cycles = create_array("ast", 0.5), waveforms((1, 300, 8_000, 9_000))
    features, _ = compute(front_end, cycles)
    assert features.dtype == np.float16
    for found, cycle in zip(features, cycles, strict=True):
        np.testing.assert_array_equal(found, front_end(front_end.clip(cycle)).astype(np.float16))


def test_rounding_by_bits_is_that_of_numpy():
    """Bits of all kinds of numbers, and of neighbours of the limits of float16 and of ties."""
    anywhere = np.random.default_rng(0).integers(0, 2**32, 60_000, dtype=np.uint32)
    near = [
        np.arange(bits - 9_000, bits + 9_000, dtype=np.uint32) for bits in (9_000, 0x38800000, 0x3F800000, 0x477FF000)
    ]
    bits = np.concatenate([anywhere, *near, *(some | 0x80000000 for some in near)])
    values = bits.view(np.float32).reshape(-1, 4, 3)
    found = np.empty(values.shape, np.float16)
    with np.errstate(all="ignore"):
        rounded, wanted = round_to_half(values, found), values.astype(np.float16)
    np.testing.assert_array_equal(found.view(np.uint16), wanted.view(np.uint16))
    np.testing.assert_array_equal(rounded, wanted.astype(np.float32))


@given(parts=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_statistics_of_parts_add_up_to_those_of_the_whole(parts, seed):
    whole = np.random.default_rng(seed).normal(-0.8, 0.4, (sum(parts), 5, 3)).astype(np.float16)
    split = np.split(whole, np.cumsum(parts)[:-1])
    card = sum((Statistics.of(part) for part in split), Statistics.none(3)).card()
    values = whole.astype(np.float64)
    assert math.isclose(card["mean"], values.mean(), rel_tol=1e-6)
    assert math.isclose(card["sd"], values.std(), rel_tol=1e-6)
    assert (card["min"], card["max"]) == (values.min(), values.max())
    np.testing.assert_allclose(card["mean_per_mel"], values.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(card["sd_per_mel"], values.std(axis=(0, 1)), rtol=1e-6)
