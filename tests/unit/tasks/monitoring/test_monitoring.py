"""Monitoring of a log on disk: entries that count, periods, and the page."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tasks.monitoring import log_reading, monitoring, page, periods, texts
from tasks.prediction import use_log
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.monitoring import in_use
from tests.unit.tasks.monitoring.simulated import MODEL_ID, USUAL

QUIET = replace(USUAL, level=-48.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return in_use.model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def five_weeks(tmp_path_factory):
    """Return the log of five weeks: the third with few recordings, and from the fourth on with another level."""
    weeks = [(USUAL, 50), (USUAL, 50), (USUAL, 9), (QUIET, 50), (QUIET, 50)]
    return in_use.log(tmp_path_factory.mktemp("log") / "use.jsonl", weeks)


def test_a_shift_is_found_in_its_weeks_alone_and_a_week_of_few_recordings_says_nothing(folder, five_weeks):
    report = monitoring.monitor(five_weeks, folder, "student@v1.0.0", by="week")
    assert [period.name for period in report.periods] == [f"2026-W{week}" for week in range(45, 50)]
    assert report.alerts == (("2026-W48", "level_dbfs"), ("2026-W49", "level_dbfs"))
    assert {one.verdict for one in report.periods[2].measures} == {"too few"}
    assert texts.headline(report) == "Drift of level, dBFS (209 recordings)."


def test_only_entries_since_a_time_count(folder, five_weeks):
    report = monitoring.monitor(five_weeks, folder, "m", begin=datetime(2026, 11, 16, tzinfo=UTC))
    assert (report.recordings, report.begin) == (109, "2026-11-16T08:00:00+00:00")
    assert report.alerts == (("all", "level_dbfs"),)
    assert "100 entries before that time left out" in report.notes
    none = monitoring.monitor(five_weeks, folder, "m", begin=datetime(2027, 1, 1, tzinfo=UTC))
    assert texts.headline(none) == "Too few to say: 0 recordings, and 30 are needed in a period."


def test_a_file_counts_once_and_other_models_not_at_all(folder, tmp_path):
    path = in_use.log(tmp_path / "use.jsonl", [(USUAL, 40)])
    repeated = [replace(log_reading.read(path).entries[0][1], time="2026-12-01T00:00:00+00:00")] * 500
    use_log.append(path, repeated)
    in_use.log(path, [(QUIET, 70)], model_id="fedcba9876543210")
    report = monitoring.monitor(path, folder, "student@v1.0.0")
    assert (report.recordings, report.alerts) == (40, ())
    assert report.notes == (
        "70 entries of other models left out",
        "500 entries of files that were asked about again left out",
        monitoring.CYCLES,
    )


def test_a_log_of_other_models_and_a_card_without_a_reference_are_errors(folder, tmp_path):
    path = in_use.log(tmp_path / "use.jsonl", [(USUAL, 3)], model_id="fedcba9876543210")
    with pytest.raises(BreathlineError, match=rf"no entry of the model m \(id {MODEL_ID}\)") as refused:
        monitoring.monitor(path, folder, "m")
    assert "student@v1.0.0 (fedcba9876543210)" in refused.value.hint
    old = in_use.model(tmp_path / "old", reference=None)
    with pytest.raises(BreathlineError, match="has no `reference`") as refused:
        monitoring.monitor(path, old, "m")
    assert "dvc repro export" in refused.value.hint
    damaged = in_use.model(tmp_path / "damaged", reference={"level_dbfs": 3})
    with pytest.raises(BreathlineError, match="other content than expected"):
        monitoring.monitor(in_use.log(tmp_path / "right.jsonl"), damaged, "m")


@pytest.mark.slow
def test_names_in_a_foreign_log_control_neither_terminal_nor_page(folder, tmp_path):
    hostile = "\x1b]0;owned\x07<script>alert(1)</script>"
    entries = [replace(one, device=hostile, model_id="0" * 16, model=hostile) for one in USUAL.entries(40, 1)[0]]
    use_log.append(tmp_path / "other.jsonl", entries)
    with pytest.raises(BreathlineError) as refused:
        monitoring.monitor(tmp_path / "other.jsonl", folder, "m")
    assert "\x1b" not in str(refused.value)
    use_log.append(tmp_path / "use.jsonl", [replace(one, model_id=MODEL_ID) for one in entries])
    report = monitoring.monitor(tmp_path / "use.jsonl", folder, "m")
    assert report.alerts == (("all", "device"),)
    assert "\x1b" not in "".join(itertools.chain(*texts.measure_rows(report.periods[0])))
    html = page.render(report)
    assert "<script>alert" not in html
    assert "\x1b" not in html


@pytest.mark.slow
def test_the_page_has_each_distribution_and_equal_reports_give_equal_bytes(folder, five_weeks):
    report = monitoring.monitor(five_weeks, folder, "student@v1.0.0", by="week")
    html = page.render(report)
    assert html == page.render(report)
    for words in ("Drift of level, dBFS (209 recordings).", "Over time", "Period 2026-W48", "student@v1.0.0"):
        assert words in html
    assert html.count("reference and log") == 8
    assert json.loads(json.dumps(report.as_json()))["alerts"][0] == {"period": "2026-W48", "name": "level_dbfs"}


@pytest.mark.parametrize(
    ("since", "last", "found"),
    [
        ("2026-11-01", None, datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00+02:00", None, datetime(2026, 11, 1, 6, tzinfo=UTC)),
        (None, "36h", datetime(2026, 11, 27, tzinfo=UTC)),
        (None, "2w", datetime(2026, 11, 14, 12, tzinfo=UTC)),
        (None, None, None),
    ],
)
def test_a_period_begins_at_a_date_or_some_time_ago(since, last, found):
    assert periods.start(since, last, datetime(2026, 11, 28, 12, tzinfo=UTC)) == found


@pytest.mark.parametrize(("since", "last"), [("yesterday", None), (None, "7"), (None, "7x"), ("2026-11-01", "7d")])
def test_another_text_is_no_period(since, last):
    with pytest.raises(BreathlineError, match=r"is no (date|period)|Two periods") as refused:
        periods.start(since, last, datetime.now(UTC))
    assert refused.value.hint
