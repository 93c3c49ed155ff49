"""Identity of recordings: 35 foreign wavs, renamed into ICBHI's pattern, counted as "A part of ICBHI 2017"."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.corpora import registry
from tasks.corpora.icbhi import known_recordings
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tests.unit.tasks.download.project import Project, settings
from tests.unit.tasks.sources import corpora


def facts(source: Path, project: Path) -> CorpusFacts:
    """Return the facts that follow from the download of a folder as the corpus `icbhi`."""
    found = Project(project).download(settings("directory", source))["identity"]
    return registry.get("icbhi").facts(Identity(**found))


def test_renamed_foreign_recordings_are_an_own_corpus(tmp_path):
    names = list(known_recordings.read())[:35]
    found = facts(corpora.lay_out(tmp_path / "f", corpora.recordings(names) | corpora.metadata(names)), tmp_path)
    assert found.title == found.identity.statement == "An own corpus in ICBHI's format"
    assert not found.identity.verified
    assert "35 of 35 recordings have the name" in found.identity.evidence
    assert "SHA-256 of 0 annotations equals" in found.identity.evidence
    assert (found.licence, found.citation, found.homepage) == (None, None, None)
    assert (found.published, found.creators) == ((), ())
    assert found.patients_on_both_sides == ()
    assert "ICBHI 2017" not in found.banner + found.description + found.origin


@pytest.mark.slow
@pytest.mark.real
def test_the_real_recordings_are_a_part_with_evidence(real_icbhi, tmp_path):
    subprocess.run([sys.executable, real_icbhi / "unpack.py", tmp_path / "real"], check=True)
    found = facts(tmp_path / "real", tmp_path)
    assert (found.title, found.identity.verified, found.identity.complete) == ("ICBHI 2017", True, False)
    assert found.identity.statement == "A part of ICBHI 2017 (165 of 920 recordings)"
    assert "SHA-256 of 165 annotations equals" in found.identity.evidence
    assert "known for 98 of these recordings, and equal for 98" in found.identity.evidence
    assert found.licence is not None
    assert found.citation is not None
    assert found.published == (), "published results hold for the complete database"
