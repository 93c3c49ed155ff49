"""Monitoring report as Markdown."""

from flows.publish import drift
from tasks.monitoring import monitoring
from tests.unit.tasks.monitoring import in_use

BANNER = "This model learned from generated sounds: it says nothing about real lungs."


def test_the_markdown_of_a_demo_model_has_its_banner_and_that_of_another_none(tmp_path):
    log = in_use.log(tmp_path / "use.jsonl")
    for banner in (BANNER, None):
        report = monitoring.monitor(log, in_use.model(tmp_path / "model", banner=banner), "m")
        assert (BANNER in drift.show(report)) == (banner is not None)
