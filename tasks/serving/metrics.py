"""Metrics of the server in the format of Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SEGMENTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        self.requests = Counter(
            "breathline_requests", "Requests by address and status", ["route", "status"], registry=own
        )
        self.seconds = Histogram(
            "breathline_request_seconds", "Time of a request", ["route"], buckets=SECONDS, registry=own
        )
        self.in_flight = Gauge("breathline_predictions_in_flight", "Predictions at this moment", registry=own)
        self.audio = Counter("breathline_audio_seconds", "Length of the predicted recordings", registry=own)
        self.segments = Counter("breathline_segments", "Segments by decision", ["decision"], registry=own)
        self.batch = Histogram("breathline_batch_segments", "Segments in a run", buckets=SEGMENTS, registry=own)
        self.info = Gauge("breathline_model_info", "Model that is served", ["label", "id"], registry=own)
