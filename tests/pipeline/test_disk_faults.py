"""Every stage on disks that are full, without inodes, read-only or denied, and under limits of size and open files.

Each folder that stages write to is a disk of its own (tmpfs). After each fault the output holds one clear error and
nothing is torn. The next run gives the bytes of an undisturbed one.
"""

import itertools
import random
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineage import events, graph
from tests import disks
from tests.pipeline import fresh_stage, runs
from tests.pipeline.stage_server import Stages

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PLACES = (".", "data", "reports", ".checkpoints", ".lineage", "tmp")
FAULTS = {
    "full": r"The disk is full\.",
    "inodes": r"The disk is full: it has no inode left",
    "read-only": r"The disk is read-only\.",
    "denied": r"Permission denied\.",
}
LIMITS = {"fsize": r"A file would exceed the largest size", "nofile": r"This process has too many open files\."}
# Folders to which DVC writes, with its database.
PLACES_OF_DVC = (".", ".dvc/cache", ".dvc/tmp", "site", "tmp")
RUN_STAGE = """
import sys
from pathlib import Path
from flows.processes.stage_process import StageProcesses
from tasks.runtime.error_output import print_error
try:
    StageProcesses().run_stage(sys.argv[1], Path(), log=lambda _: None)
except Exception as error:
    sys.exit(print_error(error))
"""
GROUPS = list(runs.parameters(runs.ROOT, "dvc.yaml")["stages"])


class Lab:
    """A finished run whose folders are disks, and a server that runs stages on them.

    Attributes:
        project: The project, as its stages see it.
        seen: The project, as this process sees it.
    """

    def __init__(self, project: Path, stages: Stages, places: Sequence[str] = PLACES) -> None:
        self.project, self.seen, self._stages, self.places = project, stages.seen, stages, places
        self.graph = graph.read(project)
        for place in places:
            stages.shell(
                f"mkdir -p {place} && cp -a {place} /dev/shm/before && mount -t tmpfs -o size=4g tmpfs $PWD/{place}"
                f" && cp -a /dev/shm/before/. $PWD/{place} && rm -r /dev/shm/before"
            )

    def stage(self, group: str) -> graph.Stage:
        """Return the first stage of a group of dvc.yaml."""
        return next(stage for name, stage in self.graph.items() if name.partition("@")[0] == group)

    def run(self, stage: graph.Stage, **limits: int) -> tuple[int, str]:
        """Run a stage, under limits of its process such as `nofile`, and return its exit status and output."""
        return self._stages.run(stage.name, env={"TMPDIR": str(self.project / "tmp")}, limits=limits)

    def undisturbed(self, stage: graph.Stage) -> tuple[dict[str, str], dict[str, int]]:
        """Run a stage, and return its outs and the number of pages (4096 bytes) that it fills in each place."""
        fresh_stage.remove_outs(self.seen, stage)
        self._stages.shell("touch /dev/shm/begin; sleep 0.02")
        status, output = self.run(stage)
        assert status == 0, output
        written = {}
        for place in self.places:
            blocks = self._stages.shell(f"find {place} -xdev -newer /dev/shm/begin -printf '%b\\n'").split()
            if blocks:
                written[place] = sum(map(int, blocks)) // 8
        return fresh_stage.outs(self.seen, stage), written

    def run_by_flow(self, stage: graph.Stage) -> tuple[int, str]:
        """Run a stage as a flow does, by DVC, and return its exit status and output."""
        env = {"TMPDIR": str(self.project / "tmp"), "DVC_SITE_CACHE_DIR": str(self.project / "site")}
        return self._stages.call([sys.executable, "-c", RUN_STAGE, stage.name], env=env)

    @contextmanager
    def fault(self, fault: str, place: str, room: int) -> Iterator[None]:
        """Give the disk of a place a fault; `room` is the number of pages that still fit on a full disk."""
        disk = f"$PWD/{place}"
        used = f"$(stat -f -c '((%b-%f)*%S)' {disk})"
        self._stages.shell(
            {
                "full": f"mount -o remount,size=$(({used}+4096*(1+{room}))) {disk}"
                f" && head -c 4096 /dev/zero > {disk}/.full",  # a size of 0 would be no limit
                "inodes": f"mount -o remount,nr_inodes=$(stat -f -c '%c-%d' {disk} | bc) {disk}",
                "read-only": f"mount -o remount,ro {disk}",
                "denied": f"find {disk} -xdev -type d -exec chmod u-w {{}} +",
            }[fault]
        )
        yield
        self._stages.shell(
            f"mount -o remount,rw,size=4g,nr_inodes=1000000 {disk} && rm -f {disk}/.full"
            f" && find {disk} -xdev -type d -exec chmod u+w {{}} +"
        )


@pytest.fixture(scope="module")
def lab(finished_run, tmp_path_factory):
    disks.require_mounts()
    project = runs.copy(finished_run, tmp_path_factory.mktemp("disks") / "project")
    with Stages(project) as stages:
        stages.shell("rm -rf .dvc/cache")
        yield Lab(project, stages)


def check(lab: Lab, stage: graph.Stage, faults: Sequence[str], places: Sequence[str] = PLACES) -> int:
    """Run a stage with each fault in each place that it touches, and again without; return the number of errors."""
    expected, written = lab.undisturbed(stage)
    errors = 0
    for fault, place in itertools.product(faults, sorted(written.keys() & set(places))):
        pages = int(random.Random(f"{stage.name} {place}").random() * written[place])
        room = pages if place in ("data", "reports") else 0
        fresh_stage.remove_outs(lab.seen, stage)
        with lab.fault(fault, place, room):
            status, output = lab.run(stage)
            left = fresh_stage.outs(lab.seen, stage)
        case = f"{stage.name}: {place} {fault}, room for {room} pages: {output}"
        assert left.items() <= expected.items(), case
        assert events.check(lab.seen) == [], case
        if status:
            errors += 1
            assert one_error(output, stage, FAULTS[fault], str(lab.project / place)), case
            status, output = lab.run(stage)
        assert status == 0, case
        assert fresh_stage.outs(lab.seen, stage) == expected, case
    return errors


def one_error(output: str, stage: graph.Stage, what: str, where: str) -> bool:
    """Return whether an output holds one error with what, where and next."""
    found = re.findall(rf"^{stage.name} failed: {what}.*\n  where: (.*)\n  next:  .*run again", output, re.MULTILINE)
    return len(found) == 1 and where in found[0] and "Traceback" not in output


def test_a_fault_of_a_disk_is_told_and_leaves_nothing_torn(lab):
    assert check(lab, lab.stage("fbank"), ["full", "denied"], ["data"]) == 2


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("group", GROUPS)
def test_a_fault_of_any_disk_is_told_in_any_stage(lab, group, fault):
    # In its outs at least. Log and head are written in place: they need no inode and no change of their folder, and on
    # a full disk often no page. A disk that is read-only refuses them.
    assert check(lab, lab.stage(group), [fault]) >= (2 if fault == "read-only" else 1)


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
def test_a_limit_of_the_process_is_told_in_any_stage(lab, group):
    stage = lab.stage(group)
    expected, _ = lab.undisturbed(stage)
    largest = max(len((lab.seen / name).read_bytes()) for name in expected)
    for name, limit in (("fsize", 1000), ("fsize", int(largest * 0.8)), ("nofile", 12), ("nofile", 16)):
        fresh_stage.remove_outs(lab.seen, stage)
        status, output = lab.run(stage, **{name: limit})
        case = f"{stage.name}: {name} {limit}: {output}"
        assert fresh_stage.outs(lab.seen, stage).items() <= expected.items(), case
        assert status == 0 or one_error(output, stage, LIMITS[name], "the limit of this process is "), case
        status, output = lab.run(stage)
        assert (status, fresh_stage.outs(lab.seen, stage)) == (0, expected), case


@pytest.fixture(scope="module")
def dvc_lab(finished_run, tmp_path_factory):
    disks.require_mounts()
    project = fresh_stage.copy(finished_run, tmp_path_factory.mktemp("disks") / "project")
    with Stages(project) as stages:
        yield Lab(project, stages, PLACES_OF_DVC)


def check_dvc(lab: Lab, stage: graph.Stage, place: str, fault: str) -> str:
    """Run a stage by DVC with a fault in a place, and again without; return the error, or nothing."""
    locked, expected = (lab.seen / "dvc.lock").read_bytes(), fresh_stage.outs(lab.seen, stage)
    fresh_stage.forget(lab.seen, stage)
    with lab.fault(fault, place, 0):
        status, output = lab.run_by_flow(stage)
        left = fresh_stage.outs(lab.seen, stage)
    case = f"{stage.name}: {place} {fault}: {output}"
    assert left.items() <= expected.items(), case
    assert fresh_stage.torn_objects(lab.seen) == [], case
    assert "Traceback" not in output, case
    if status:
        failed = rf"Error: The stage {stage.name} (failed|cannot run)\."
        assert re.search(rf"^({failed}|  \| {stage.name} failed:) {FAULTS[fault]}", output, re.MULTILINE), case
        where = rf"^[ |]+where: .*{lab.project / place}\b.*\n[ |]+next:  .*run again"
        assert re.search(where, output, re.MULTILINE), case
    recovered, text = lab.run_by_flow(stage)
    assert recovered == 0, text
    assert fresh_stage.outs(lab.seen, stage) == expected, case
    assert (lab.seen / "dvc.lock").read_bytes() == locked, case
    return output if status else ""


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", PLACES_OF_DVC)
def test_a_fault_of_a_disk_of_dvc_is_told(dvc_lab, place, fault):
    error = check_dvc(dvc_lab, dvc_lab.stage("weights"), place, fault)
    assert error or place != ".dvc/cache"


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
def test_a_full_cache_of_dvc_is_told_in_any_stage(dvc_lab, group):
    assert check_dvc(dvc_lab, dvc_lab.stage(group), ".dvc/cache", "full")
