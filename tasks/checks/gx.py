"""Context of Great Expectations: in memory, without telemetry.

Release 1.24 has no code that sends usage data and does not read `GX_ANALYTICS_ENABLED`. For releases that send, the
configuration of the context switches analytics off.
"""

import logging

from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.data_context import EphemeralDataContext, get_context
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations import core

__all__ = ["ExpectationSuite", "context", "core"]

logging.getLogger("great_expectations").setLevel(logging.WARNING)  # otherwise it logs how it makes its context


def context() -> EphemeralDataContext:
    """Return a context in memory that writes nothing and draws no progress bars."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return get_context(mode="ephemeral", project_config=config)
