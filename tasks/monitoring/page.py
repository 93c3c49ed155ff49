"""Page of a monitoring report, in the look of the report."""

from collections.abc import Iterator

from tasks.monitoring import periods, texts
from tasks.monitoring.results import Measure, Period, Report
from tasks.reporting import page
from tasks.reporting.section import Block, Picture, Table, Text
from tasks.reporting.svg import INK, MUTED, NARROW, PALETTE, drawing, side_by_side


def render(report: Report) -> str:
    """Return the page as HTML: equal reports give equal bytes."""
    sections = {"result": ("Result", list(_result(report)))}
    if len(report.periods) > 1:
        sections["time"] = ("Over time", [_over_time(report)])
    for period in reversed(report.periods):
        name = f"Period {period.name}" if len(report.periods) > 1 else "Measures"
        sections[f"period-{period.name}"] = (name, list(_tables(period)))
    if report.periods:
        sections["distributions"] = ("Distributions", list(_distributions(report.periods[-1])))
    values = {"about": texts.about(report), "headline": texts.headline(report), "alert": bool(report.alerts)}
    values["warning"] = report.banner
    return page.render_blocks("monitoring.html.j2", sections, **values)


def _result(report: Report) -> Iterator[Block]:
    """Yield the alerts, their rule, and the notes on the log."""
    if report.alerts:
        rows = [[period, texts.title(name)] for period, name in report.alerts]
        yield Table(["period", "drift of"], rows, main=True)
    yield Text(texts.rule(report))
    yield from (Text(note, muted=True) for note in (*texts.READING, *report.notes))


def _over_time(report: Report) -> Table:
    """Return the PSI of each measure by period."""
    names = [one.name for one in report.periods[0].measures]
    rows = [[one.name, str(one.recordings), *map(texts.psi, one.measures)] for one in report.periods]
    return Table(["period", "n", *map(texts.title, names)], rows, caption="PSI by period. A star marks drift.")


def _tables(period: Period) -> Iterator[Table]:
    yield Table(texts.MEASURE_COLUMNS, list(texts.measure_rows(period)))
    yield Table(texts.SHARE_COLUMNS, list(texts.share_rows(period)))


def _distributions(period: Period) -> Iterator[Block]:
    """Yield the figures of the last period."""
    drawn = [_bars(one) for one in period.measures if one.bins]
    if drawn:
        name = "" if period.name == periods.WHOLE else f" Period {period.name}."
        caption = f"Share of the recordings in each bin of the reference. Grey: reference; in colour: log.{name}"
        yield Picture(side_by_side(drawn), caption=caption)
    else:
        yield Text("The log has no recording in this time.")


def _bars(measure: Measure) -> str:
    """Return a figure with two bars for each bin: the share in the reference, and that in the log."""
    title = texts.title(measure.name)
    with drawing(NARROW, 0.9 + 0.3 * len(measure.bins), f"{title}: reference and log") as canvas:
        axes, rows = canvas.axes, range(len(measure.bins))
        for shift, values, colour in ((-0.19, measure.reference, MUTED), (0.19, measure.found, PALETTE[0])):
            axes.barh([row + shift for row in rows], [100 * one for one in values], 0.36, color=colour)
        axes.set_yticks(list(rows), list(measure.bins), color=INK)
        axes.invert_yaxis()
        axes.set_title(title, loc="left", color=INK, fontsize=10)
        axes.set_xlabel("recordings, %")
        axes.grid(visible=False, axis="y")
    return canvas.svg
