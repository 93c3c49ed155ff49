"""Archives that are broken or mean harm: each is made for real, and refused."""

import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.runtime.errors import BreathlineError
from tasks.sources import archive
from tasks.sources.collection import BrokenArchiveError
from tests.unit.tasks.sources import corpora

GOOD = corpora.recordings(corpora.NAMES)
FIRST = next(iter(GOOD))
# Places in a member's entry in the central directory (APPNOTE.TXT, 4.3.12).
FLAGS, METHOD, CRC, COMPRESSED, SIZE = 8, 10, 16, 20, 24


def contents(path: Path, sha256: str | None = None) -> dict[str, bytes]:
    with archive.opened(path, sha256=sha256) as collection:
        return {member.name: b"".join(member.chunks()) for member in collection.members}


def with_member(name: str, content: bytes = b"x") -> Callable[[Path], object]:
    return lambda path: corpora.zipped(path, GOOD | {name: content})


def with_mode(mode: int) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        info = zipfile.ZipInfo("ICBHI_final_database/link.txt")
        info.external_attr = mode << 16
        corpora.zipped(path, GOOD)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(info, "/etc/passwd")

    return make


def with_twins(path: Path) -> None:
    corpora.zipped(path, GOOD)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(FIRST, b"another")


def with_raw_name(name: bytes) -> Callable[[Path], object]:
    """Put a name that zipfile would not write in place of an equally long one."""

    def make(path: Path) -> None:
        corpora.zipped(path, GOOD | {"x" * len(name): b"x"})
        path.write_bytes(path.read_bytes().replace(b"x" * len(name), name))

    return make


def with_patch(place: int, value: bytes) -> Callable[[Path], object]:
    """Change the first member's entry in the central directory."""

    def make(path: Path) -> None:
        data = bytearray(corpora.zipped(path, GOOD).read_bytes())
        begin = data.index(b"PK\x01\x02") + place
        data[begin : begin + len(value)] = value
        path.write_bytes(data)

    return make


def cut_off(keep: float) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        data = corpora.zipped(path, GOOD).read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])

    return make


def with_damage(path: Path) -> None:
    """Change one byte of audio that is stored as it is."""
    data = bytearray(corpora.zipped(path, GOOD, zipfile.ZIP_STORED).read_bytes())
    data[200] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(with_member("../evil.txt"), "leads out of", id="path traversal"),
        pytest.param(with_member("a/../../evil.txt"), "leads out of", id="path traversal inside"),
        pytest.param(with_member("/etc/evil.txt"), "absolute path", id="absolute path"),
        pytest.param(with_member("C:/evil.txt"), "absolute path", id="Windows drive"),
        pytest.param(with_member("C:evil.txt"), "absolute path", id="Windows drive, relative"),
        pytest.param(with_member("..\\evil.txt"), "character that is not allowed in a path", id="backslash"),
        pytest.param(with_raw_name(b"evil.txt\0.wav"), "character that is not allowed in a path", id="NUL"),
        pytest.param(with_mode(stat.S_IFLNK | 0o777), "symbolic link", id="symlink"),
        pytest.param(with_mode(stat.S_IFIFO | 0o644), "not a plain file", id="pipe"),
        pytest.param(with_twins, "Two members have the same name", id="twins"),
        pytest.param(with_member("a.wav", bytes(8 << 20)), "decompression bomb", id="bomb by ratio"),
        pytest.param(with_patch(SIZE, struct.pack("<I", 5)), "damaged", id="more than announced"),
        pytest.param(with_patch(SIZE, struct.pack("<I", 9999)), "shorter than the archive", id="less than announced"),
        pytest.param(with_patch(COMPRESSED, struct.pack("<I", 1 << 28)), "larger than the archive", id="overlap"),
        pytest.param(with_patch(FLAGS, b"\1\0"), "encrypted", id="encrypted"),
        pytest.param(with_patch(METHOD, b"\x63\0"), "unknown method", id="unknown method"),
        pytest.param(with_patch(CRC, b"\0\0\0\0"), "Bad CRC-32", id="wrong CRC"),
        pytest.param(with_damage, "Bad CRC-32", id="damaged audio"),
        pytest.param(cut_off(0.6), "cut off", id="truncated"),
        pytest.param(cut_off(0.999), "cut off", id="truncated at the very end"),
        pytest.param(lambda path: path.write_bytes(b"<html>Maintenance</html>"), "not a zip", id="no zip"),
        pytest.param(lambda path: path.write_bytes(b""), "not a zip", id="empty"),
    ],
)
def test_refused(tmp_path, make, what):
    path = tmp_path / "a.zip"
    make(path)
    with pytest.raises(BrokenArchiveError, match=what) as error:
        contents(path)
    assert error.value.where == path


def test_a_decompression_bomb_is_refused_by_its_headers(tmp_path, monkeypatch):
    path = corpora.zipped(tmp_path / "a.zip", GOOD)
    monkeypatch.setattr(archive, "MAX_BYTES", sum(map(len, GOOD.values())))
    assert contents(path) == GOOD
    monkeypatch.setattr(archive, "MAX_BYTES", sum(map(len, GOOD.values())) - 1)
    with pytest.raises(BrokenArchiveError, match="decompression bomb"):
        contents(path)


def test_the_sha256_is_checked_before_anything_else(tmp_path):
    path = corpora.zipped(tmp_path / "a.zip", GOOD)
    with archive.opened(path, sha256=None) as collection:
        seen = collection.archive.sha256
    assert contents(path, sha256=seen.upper()) == GOOD
    path.write_bytes(b"nothing like a zip")
    with pytest.raises(BrokenArchiveError, match=f"not {seen}"):
        contents(path, sha256=seen)


def test_no_archive(tmp_path):
    with pytest.raises(BreathlineError, match="no such archive"):
        contents(tmp_path / "a.zip")


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_read_correctly(data):
    with tempfile.TemporaryDirectory() as folder:
        path = corpora.zipped(Path(folder) / "a.zip", GOOD)
        content = bytearray(path.read_bytes())
        # Half of the damage goes to the directory at the end, where the interesting fields are.
        begin = data.draw(st.sampled_from([0, content.index(b"PK\x01\x02")]))
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(begin, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        try:
            found = contents(path)
        except BrokenArchiveError:
            return
        assert set(found.values()) <= set(GOOD.values())
