"""Reading of artifacts: a missing or damaged one is an error that names it and the stage that makes it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from models import file_reading
from models.file_reading import UnreadableFileError
from tasks import artifacts
from tasks.runtime.errors import BreathlineError

T = TypeVar("T")


@contextmanager
def as_artifact_error(hint: str | None = None) -> Iterator[None]:
    """Raise an `UnreadableFileError` of the block as a `BreathlineError` with the next step.

    Args:
        hint: Next step for a file that no stage makes.
    """
    try:
        yield
    except UnreadableFileError as error:
        raise damaged(error.path, error.reason, hint) from error


def damaged(path: Path, reason: str, hint: str | None = None) -> BreathlineError:
    """Return the error of a file that is missing or damaged.

    Args:
        path: Path of the file.
        reason: Clause that says what is wrong.
        hint: Next step for a file that no stage makes.
    """
    artifact = artifacts.find(path.as_posix())
    title = f"{artifact.title[0].upper()}{artifact.title[1:]}" if artifact is not None else path.name
    hint = artifacts.next_step(path) or hint or "restore the file, or make it again"
    return BreathlineError(f"{title}: {reason}.", where=path, hint=hint)


read_json = as_artifact_error()(file_reading.read_json)
read_table = as_artifact_error()(file_reading.read_table)


@contextmanager
def content_of(path: Path) -> Iterator[None]:
    """Raise a `BreathlineError` if the block finds other keys or types in a file than it expects.

    Args:
        path: Path of the file whose content the block uses.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        detail = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise damaged(path, f"the file has other content than expected ({detail})") from error


def parse(kind: type[T], value: Mapping[str, Any], path: Path) -> T:
    """Return the content of a JSON file as a frozen dataclass or another type.

    Args:
        kind: Type of the result.
        value: Content of the file.
        path: Path of the file, for the error message.

    Raises:
        BreathlineError: Keys are missing, or values have the wrong type; the error lists all of them.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise damaged(path, f"the file has other content than expected ({faults})") from error
