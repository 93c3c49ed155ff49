"""Files of torch.save, as torch writes them and with pickles of our own."""

import io
import zipfile
from typing import Any

import torch


def saved(value: Any, *, zipped: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def archive(data: bytes, storages: dict[str, bytes] | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a file of torch.save with a pickle of our own."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in {"data.pkl": data, "version": b"3\n", **(storages or {})}.items():
            made.writestr(f"a/{name}", content)
    return file.getvalue()
