"""Errors of flows and tasks of Prefect: the whole error in the log and in the state, without a traceback."""

import functools
import signal
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from prefect import get_run_logger
from prefect.exceptions import TerminationSignal
from prefect.states import Failed

from flows.termination import limit_report
from tasks.runtime.error_output import debugging, error_text

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def failed_by_errors(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return the function of a flow or task that logs an error and ends in a failed state, which holds the error.

    Without it, Prefect logs a traceback, and the state holds one line of the error. The caller of the flow gets the
    error itself, as before.
    """

    @functools.wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except (KeyboardInterrupt, TerminationSignal) as error:  # the stages have ended
            limit_report(signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
            raise
        except Exception as error:  # noqa: BLE001 - Prefect would log any with a traceback
            text = error_text(error)
            get_run_logger().error(text, exc_info=error if debugging() else None)
            return cast("Result", Failed(message=text, data=error))  # Prefect raises the error in the caller

    return call
