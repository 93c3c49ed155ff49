"""Benchmark of the training loop against a plain one: ``python -m benchmarks.training``.

Prints a Markdown table: clips per second, peak memory and CPU seconds a clip (second epoch) of AST-base (8 s clips)
and CNN6 for `ce`, `sam` and, with AST only, `patchmix_cl`. Each measurement is a process of its own. The two loops
alternate, so that other load on the machine affects both. ``--largest`` adds the largest batch of each loop that fits.
On a GPU (``--device cuda``) the table has the utilisation and the data path's part of a step.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass

from tasks.runtime.hardware import cpu_name, usable_cores

NETWORKS = ("ast-base", "cnn6", "ast-tiny", "mn04", "ast-mini")
METHODS = ("ce", "patchmix_cl", "sam")
LOOPS = ("plain", "ours")
NO_MEMORY = ("out of memory", "not enough memory", "allocate memory", "unable to allocate", "memoryerror", "bad_alloc")
SEARCH_STEPS = 2  # steps while searching the largest batch
EXPECTED = (
    "Expected of an H200: AST-base `ce` at its largest batch at 40 % or more of the bf16 peak; at batch 8 ten times "
    "the plain loop or more; the data path under 2 % of a step."
)
HEAD = (
    "| network | method | batch | plain clips/s | plain peak MB | ours clips/s | ours peak MB "
    "| of the peak rate | data path, of a step | times | plain CPU s/clip | ours CPU s/clip | times |\n"
    f"|{'---|' * 13}"
)


@dataclass(frozen=True)
class Case:
    """Measurement of one process."""

    loop: str
    network: str
    method: str
    batch: int
    steps: int


class Runs:
    """Measurements, including those of the search for the largest batch."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._known: dict[Case, list[dict[str, float]] | None] = {}  # none if the batch does not fit

    def compare(self, network: str, method: str, batch: int) -> str:
        """Measure both loops alternately at one batch size; return a line of the table."""
        for count in range(1, self._options.runs + 1):
            runs = {
                loop: self._measured(Case(loop, network, method, batch, self._options.steps), count) for loop in LOOPS
            }
        cells, rates = [], {}
        for loop, found in runs.items():
            if found is None:
                cells += ["does not fit", "–"]
                continue
            rates[loop] = statistics.median(run["clips_per_s"] for run in found)
            cells += [f"{rates[loop]:.2f}", f"{max(run['peak_mb'] for run in found):.0f}"]
        ours = runs["ours"] or []
        utilisation = [run["utilisation"] for run in ours if "utilisation" in run]
        cells.append(f"{statistics.median(utilisation):.1%}" if utilisation else "–")
        cells.append(f"{statistics.median(run['data_path'] for run in ours):.2%}" if ours else "–")
        times = f"{rates['ours'] / rates['plain']:.1f}" if len(rates) == len(LOOPS) else "–"
        cells.append(times)
        cpu = {loop: statistics.median(run["cpu_s"] for run in found) for loop, found in runs.items() if found}
        cells += [f"{cpu[loop]:.3f}" if loop in cpu else "–" for loop in LOOPS]
        cells.append(f"{cpu['plain'] / cpu['ours']:.1f}" if len(cpu) == len(LOOPS) else "–")
        return f"| {network} | {method} | {batch} | {' | '.join(cells)} |"

    def largest_batch(self, loop: str, network: str, method: str) -> int:
        """Find the largest batch that fits, by factors of two from the first of ``--batches``; 0: none."""
        steps = min(self._options.steps, SEARCH_STEPS)

        def fits(batch: int) -> bool:
            return self._measured(Case(loop, network, method, batch, steps), 1) is not None

        batch: int = self._options.batches[0]
        while batch and not fits(batch):
            batch //= 2
        while batch and fits(batch * 2):
            batch *= 2
        return batch

    def fitting_batch(self, network: str, method: str, batch: int, memory: float) -> int:
        """Return the largest batch whose memory fits, by that of a measured batch of our loop; 0: none was measured.

        The memory beyond the weights, their gradients and the two moments of the optimiser grows with the batch.

        Args:
            network: Name of the network.
            method: Name of the method.
            batch: Size of the measured batch.
            memory: Memory in bytes.
        """
        found = self._known.get(Case("ours", network, method, batch, self._options.steps))
        if not found:
            return 0
        fixed = found[0]["state_mb"] * 1e6
        of_a_clip = (found[0]["peak_mb"] * 1e6 - fixed) / batch
        return int((memory - fixed) / of_a_clip) // batch * batch

    def _measured(self, case: Case, count: int) -> list[dict[str, float]] | None:
        """Return a number of measurements; none if the batch does not fit."""
        found = self._known.setdefault(case, [])
        while found is not None and len(found) < count:
            run = process(case, self._options)
            found = self._known[case] = None if run is None else [*found, run]
        return found


def process(case: Case, options: argparse.Namespace) -> dict[str, float] | None:
    """Measure a case in a process of its own; return none if its batch does not fit."""
    asked = asdict(case) | {key: getattr(options, key) for key in ("device", "threads", "precision", "compile")}
    command = [sys.executable, "-m", "benchmarks.one_training", json.dumps(asked)]
    done = subprocess.run(  # noqa: S603 - a module of the project; the case is one argument
        command, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode == -signal.SIGKILL or (done.returncode and any(w in done.stderr.lower() for w in NO_MEMORY)):
        return None
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["ast-base", "cnn6"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--batches", nargs="+", type=int, default=[8])
    parser.add_argument("--largest", action="store_true", help="add the largest batch of each loop that fits")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20, help="steps of an epoch; the second of two epochs is measured")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=usable_cores(), help="threads of one process on a CPU")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="of our loop")
    parser.add_argument("--compile", action="store_true", help="compile the loss of our loop, as on a GPU always")
    options = parser.parse_args()
    print(f"{options.device}, {usable_cores()} cores ({cpu_name()}), {options.threads} threads; ")
    print(f"medians of {options.runs} runs of {options.steps} steps, peak memory the largest. {EXPECTED}\n")
    print(HEAD, flush=True)
    runs = Runs(options)
    for network in options.networks:
        # patchmix_cl needs a network with patches.
        for method in [name for name in options.methods if name != "patchmix_cl" or network.startswith("ast")]:
            batches = list(options.batches)
            if options.largest:
                batches += sorted({runs.largest_batch(loop, network, method) for loop in LOOPS})
            for batch in filter(None, dict.fromkeys(batches)):
                print(runs.compare(network, method, batch), flush=True)


if __name__ == "__main__":
    main()
