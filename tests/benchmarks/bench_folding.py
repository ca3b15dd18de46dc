"""Encoding with the variables folded into constants: against the plain graph, and ONNX.

Run with `python tests/benchmarks/bench_folding.py`. Batches of random pixels go through
the same weights in turn: by the graph that reads its variables, by the folded one with
the comparison that `encode` makes before each batch, and by onnxruntime where it and
tf2onnx are installed. The weights are random. Nothing is asserted.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import keras_deephash as kdh
from keras_deephash.models.base.folded_graph import FoldedGraph

BACKBONES = {
    "efficientnet": kdh.EfficientNetLiteBackbone,
    "small": lambda: kdh.AlexNetBackbone.small(32),
    "alexnet": kdh.AlexNetBackbone,
}


def onnx_run(model, folder: str):
    """The network by onnxruntime, or None where it or tf2onnx is missing."""
    try:
        import onnxruntime
        import tf2onnx
    except ImportError:
        return None
    path = os.path.join(folder, "model.onnx")
    graph = model._codes_inference().run_plainly
    tf2onnx.convert.from_function(
        graph, graph.input_signature, opset=17, output_path=path
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: pixels})[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    clock = time.process_time if options.processor_time else time.perf_counter
    print("| Backbone | Way | Images/s | Ratio | Differs by |\n|---|---|---|---|---|")
    for name in options.backbones:
        model = kdh.DCH(BACKBONES[name](), 48)
        side = model.preprocessor.image_size
        shape = (options.batch_size, side, side, 3)
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        plain = model._codes_inference().run_plainly
        start = clock()
        folded = FoldedGraph(plain.get_concrete_function())
        folding = clock() - start

        def fold_and_compare(pixels, folded=folded):
            if not folded.is_current():
                raise SystemExit("the variables have changed")
            return folded(pixels)

        ways = {"plain": plain, "folded": fold_and_compare}
        with tempfile.TemporaryDirectory() as folder:
            if run := onnx_run(model, folder):
                ways["onnxruntime"] = run
            codes = {way: np.asarray(run(pixels)) for way, run in ways.items()}
            seconds = {way: [] for way in ways}
            for _ in range(options.rounds):
                for way, run in ways.items():
                    start = clock()
                    np.asarray(run(pixels))
                    seconds[way].append(clock() - start)
        start = clock()
        for _ in range(5):
            folded.is_current()
        comparison = (clock() - start) / 5
        first = np.median(seconds["plain"])
        for way, times in seconds.items():
            middle = np.median(times)
            apart = np.abs(codes[way] - codes["plain"]).max()
            print(
                f"| {name} | {way} | {options.batch_size / middle:.1f} | "
                f"{first / middle:.2f} | {apart:.1e} |",
                flush=True,
            )
        print(f"| | folding takes {folding:.2f} s, ", end="")
        print(f"a comparison {1e3 * comparison:.1f} ms | | | |", flush=True)


if __name__ == "__main__":
    main()
