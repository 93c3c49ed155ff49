"""Monitoring report as Markdown."""

from flows.publish import markdown
from tasks.monitoring import texts
from tasks.monitoring.results import Report


def show(report: Report) -> str:
    """Return the result, the tables of each period, the rule of alerts and the notes on the log."""
    parts = [f"{'✗' if report.alerts else '✓'} **{markdown.text(texts.headline(report))}**"]
    parts += [markdown.text(texts.about(report)), *([markdown.text(report.banner)] if report.banner else [])]
    for period in report.periods:
        parts += [f"### {period.name}"] if len(report.periods) > 1 else []
        for columns, rows in (
            (texts.MEASURE_COLUMNS, texts.measure_rows(period)),
            (texts.SHARE_COLUMNS, texts.share_rows(period)),
        ):
            parts.append(markdown.table(columns, ([markdown.text(cell) for cell in row] for row in rows)))
    parts += map(markdown.text, (texts.rule(report), *texts.READING, *report.notes))
    parts.append(f"Figures: {markdown.code('reports/monitoring.html')}")
    return "\n\n".join(parts) + "\n"
