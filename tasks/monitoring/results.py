"""Results of monitoring: comparisons of distributions and of shares, by period."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tasks.monitoring.settings import Thresholds

Verdict = Literal["drift", "none", "too few", "not logged", "no reference"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Comparison of one distribution.

    Attributes:
        name: Key of the reference.
        recordings: Number of recordings with a value.
        psi: Population stability index; None where nothing is claimed.
        p: P-value after Holm's correction; None where nothing is claimed.
        verdict: Result of the comparison.
        bins: Names of the bins or categories.
        reference: Share of the reference in each bin.
        found: Share of the log in each bin.
    """

    name: str
    recordings: int
    verdict: Verdict
    psi: float | None = None
    p: float | None = None
    bins: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()
    found: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Share:
    """Share of recordings that are not judged, or of segments with another decision.

    Attributes:
        name: The decision.
        verdict: Result of the comparison.
        value: Share of the recordings or segments, 0 to 1; None without any.
        low: Lower limit of Wilson's interval over recordings; None with too few.
        high: Upper limit of the interval.
        expected: Share in the reference; None if the model has none.
    """

    name: str
    verdict: Verdict
    value: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None


@dataclass(frozen=True, kw_only=True)
class Period:
    """Comparison of one period.

    Attributes:
        name: Name of the period, `all` without periods.
        recordings: Number of recordings.
        segments: Number of segments.
        measures: Comparison of each distribution.
        shares: Comparison of each share.
    """

    name: str
    recordings: int
    segments: int
    measures: tuple[Measure, ...]
    shares: tuple[Share, ...]

    @property
    def alerts(self) -> tuple[str, ...]:
        """Return the names of the measures and shares that raise an alert."""
        measures = [one.name for one in self.measures if one.verdict == "drift"]
        return (*measures, *(one.name for one in self.shares if one.verdict == "drift"))


@dataclass(frozen=True, kw_only=True)
class Report:
    """Result of monitoring one model by one log.

    Attributes:
        model: Name of the model for people.
        model_id: Id of the model.
        banner: Sentences that every output of the model shows; None for none.
        log: Path of the log.
        begin: Time of the first entry that counts (ISO 8601); None without an entry.
        end: Time of the last entry that counts.
        thresholds: Thresholds of alerts.
        patients: Number of patients in the reference of the inputs, and in that of the outputs.
        periods: Comparison of each period, oldest first.
        notes: Facts about the log that its reader should know.
    """

    model: str
    model_id: str | None
    banner: str | None
    log: str
    begin: str | None
    end: str | None
    thresholds: Thresholds
    patients: tuple[int, int]
    periods: tuple[Period, ...]
    notes: tuple[str, ...]

    @property
    def alerts(self) -> tuple[tuple[str, str], ...]:
        """Return the pairs of a period and a measure or share that raise an alert."""
        return tuple((period.name, name) for period in self.periods for name in period.alerts)

    @property
    def recordings(self) -> int:
        """Return the number of recordings of all periods."""
        return sum(period.recordings for period in self.periods)

    @property
    def claims(self) -> bool:
        """Return whether a period has enough recordings for any comparison."""
        return any(one.verdict in ("drift", "none") for period in self.periods for one in period.measures)

    def as_json(self) -> dict[str, Any]:
        """Return the report as values of JSON, with the alerts first."""
        alerts = [{"period": period, "name": name} for period, name in self.alerts]
        return {"alert": bool(alerts), "alerts": alerts, **asdict(self)}
