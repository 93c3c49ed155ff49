"""Engine of onnxruntime, for exports. It imports neither torch nor pyarrow."""

from pathlib import Path
from typing import Any

import numpy.typing as npt

from tasks.prediction.engines.base import Engine
from tasks.prediction.facts import ModelFacts
from tasks.runtime.errors import BreathlineError
from tasks.runtime.hardware import usable_cores

FILE = "model.onnx"
OTHER = "`--engine torch` works without this file"


class OnnxEngine(Engine):
    """Network that onnxruntime runs on the CPU."""

    name = "onnx"

    def __init__(self, folder: Path, facts: ModelFacts) -> None:
        """Open ``model.onnx`` of an export.

        Raises:
            BreathlineError: onnxruntime is not installed, or the file is missing, damaged or of another model.
        """
        super().__init__(folder, facts)
        path = folder / FILE
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            what = "The package onnxruntime is not installed."
            raise BreathlineError(what, where=path, hint="`make setup` installs it; `--engine torch` works") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = usable_cores(), 1
        options.log_severity_level = 4  # its own messages; errors are raised
        options.enable_cpu_mem_arena = False  # it would keep the memory of the largest batch
        try:
            path.open("rb").close()
            # By its path: weights in other files are then refused unless these are in the same folder. Of bytes,
            # onnxruntime would look for them in the current folder.
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            what = f"The network cannot be read: {error.strerror}."
            raise BreathlineError(what, where=path, hint=f"run the stage `export` again; {OTHER}") from error
        except Exception as error:  # onnxruntime has a type of its own for each fault
            detail = " ".join(str(error).split())[:200]
            what = f"onnxruntime cannot load the network: {detail}"
            raise BreathlineError(what, where=path, hint=f"copy the export again; {OTHER}") from error
        inputs = {one.name for one in self._session.get_inputs()}
        self._outputs = [one.name for one in self._session.get_outputs()]
        wanted = {"waveform", "lengths"} | ({"offsets"} if facts.normalization is not None else set())
        if inputs != wanted or not {"probabilities", "decision", "embedding"} <= set(self._outputs):
            what = f"The network has the inputs {', '.join(sorted(inputs))}, not {', '.join(sorted(wanted))}."
            raise BreathlineError(what, where=path, hint=f"export the model again; {OTHER}")

    def _run(self, given: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        return dict(zip(self._outputs, self._session.run(self._outputs, given), strict=True))
