"""Writes tables and a figure from the benchmark's results.

  python zoo/benchmark_page.py
  python zoo/benchmark_page.py --check

docs/comparison.md, of the text of benchmark_page.md beside this file, has all lengths;
docs/methods.md gets the MAP at 64 bits, between two marks. Every cell is the mean of
three seeds and their standard deviation. Where a run is missing nothing is written, and
the missing ones are named. --check writes nothing and exits with 1 if a page is out of
date.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from benchmark import OUTPUT, SEEDS
from benchmark_data import SETS
from benchmark_run import ENTRIES, FLOAT_FEATURES, LENGTHS

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "zoo" / "benchmark_page.md"
PAGE = ROOT / "docs" / "comparison.md"
METHODS = ROOT / "docs" / "methods.md"
FIGURE = ROOT / "docs" / "pictures" / "methods.png"
TITLES = {
    "cifar10": "CIFAR-10, 10 classes",
    "tiny_imagenet": "Tiny ImageNet, 200 classes",
    "unseen": "40 classes that no training saw",
    "coco_mini": "COCO mini, several labels",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    runs = json.loads(OUTPUT.read_text())["runs"]
    check_complete(runs)
    page = TEMPLATE.read_text(encoding="utf-8")
    for name in SETS:
        page = replaced(page, name, table(runs, name))
    methods = METHODS.read_text(encoding="utf-8")
    methods = replaced(methods, "comparison", summary(runs))
    for path, written in ((PAGE, page), (METHODS, methods)):
        if not options.check:
            path.write_text(written, encoding="utf-8")
        elif not path.exists() or written != path.read_text(encoding="utf-8"):
            sys.exit(f"{path} is out of date: run `python zoo/benchmark_page.py`.")
    if not options.check:
        draw(runs, FIGURE)


def check_complete(runs: dict) -> None:
    """Ends with the names of the runs that are missing, if there are any."""
    wanted = [f"{name}/{FLOAT_FEATURES}" for name in SETS]
    wanted += [
        f"{name}/{method}/{bits}/{seed}"
        for name in SETS
        for method in ENTRIES
        for bits in LENGTHS
        for seed in SEEDS
    ]
    missing = [key for key in wanted if key not in runs]
    if missing:
        sys.exit(
            f"{len(missing)} of {len(wanted)} runs are missing, such as {missing[0]}: "
            "run `python zoo/benchmark.py`, which goes on with what is there."
        )


def cell(runs: dict, name: str, method: str, bits: int, figure: str) -> tuple:
    """Mean and standard deviation of the seeds."""
    values = _values(runs, name, method, bits, figure)
    return float(np.mean(values)), float(np.std(values, ddof=1))


def table(runs: dict, name: str) -> str:
    """The rows of a set, the highest MAP at 64 bits first."""
    bits = [f"{length} bits" for length in LENGTHS]
    header = [
        "Method",
        *bits,
        f"Precision at the radius, {LENGTHS[-1]} bits",
        "Seconds",
    ]
    lines = [_row(header), _row(["---"] * len(header))]
    order = sorted(ENTRIES, key=lambda m: -cell(runs, name, m, LENGTHS[-1], "map")[0])
    best = {
        length: max(cell(runs, name, m, length, "map")[0] for m in ENTRIES)
        for length in LENGTHS
    }
    for method in order:
        cells = []
        for length in LENGTHS:
            mean, deviation = cell(runs, name, method, length, "map")
            cells.append(_figure(mean, deviation, mean == best[length]))
        precision, _ = cell(runs, name, method, LENGTHS[-1], "precision_at_radius")
        # The least: what else the machine did only adds to it.
        seconds = min(_values(runs, name, method, LENGTHS[-1], "seconds"))
        cells += [f"{precision:.2f}", f"{seconds:.0f}"]
        lines.append(_row([method, *cells]))
    floats = runs[f"{name}/{FLOAT_FEATURES}"]["map"]
    lines.append(_row([f"*{FLOAT_FEATURES}*", "", "", f"{floats:.3f}", "", ""]))
    return "\n".join(lines)


def summary(runs: dict) -> str:
    """MAP at the greatest length, a column for each set, the best mean first."""
    bits = LENGTHS[-1]
    found = {m: [cell(runs, s, m, bits, "map") for s in SETS] for m in ENTRIES}
    order = sorted(ENTRIES, key=lambda m: -np.mean([mean for mean, _ in found[m]]))
    best = [max(found[m][i][0] for m in ENTRIES) for i in range(len(SETS))]
    lines = [_row([f"MAP, {bits} bits", *TITLES.values()])]
    lines.append(_row(["---"] * (1 + len(SETS))))
    for method in order:
        cells = [
            _figure(mean, deviation, mean == top)
            for (mean, deviation), top in zip(found[method], best, strict=True)
        ]
        lines.append(_row([method, *cells]))
    floats = [f"{runs[f'{name}/{FLOAT_FEATURES}']['map']:.3f}" for name in SETS]
    lines.append(_row([f"*{FLOAT_FEATURES}*", *floats]))
    return "\n".join(lines)


def replaced(text: str, name: str, table: str) -> str:
    """The page with the table between the marks of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"A page must hold the lines {begin!r} and {end!r}.")
    return f"{before}{begin}\n{table}\n{end}{after}"


def draw(runs: dict, path: Path) -> None:
    """MAP of all methods at all lengths, a panel for each set."""
    import matplotlib.pyplot as plt

    from keras_deephash.plots.style import BLUE, GREEN, GREY, VERMILION

    colors = dict(zip(LENGTHS, (BLUE, GREEN, VERMILION), strict=True))
    figure, panels = plt.subplots(
        1, len(SETS), figsize=(13, 6), sharey=True, layout="constrained"
    )
    mean_of = {
        method: np.mean([cell(runs, name, method, 64, "map")[0] for name in SETS])
        for method in ENTRIES
    }
    order = sorted(ENTRIES, key=mean_of.get)
    for panel, name in zip(panels, SETS, strict=True):
        floats = runs[f"{name}/{FLOAT_FEATURES}"]["map"]
        panel.axvline(floats, color=GREY, linewidth=1, linestyle=":")
        for length, color in colors.items():
            found = [cell(runs, name, method, length, "map") for method in order]
            means, deviations = np.transpose(found)
            panel.errorbar(
                means,
                range(len(order)),
                xerr=deviations,
                fmt="o",
                markersize=4,
                color=color,
                label=f"{length} bits",
            )
        panel.set_title(TITLES[name], fontsize=10, loc="left")
        panel.set_yticks(range(len(order)), order, fontsize=9)
        panel.set_xlabel("MAP")
        panel.grid(axis="both", color="#DDDDDD", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, fontsize=9)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _values(runs: dict, name: str, method: str, bits: int, figure: str) -> list:
    return [runs[f"{name}/{method}/{bits}/{seed}"][figure] for seed in SEEDS]


def _figure(mean: float, deviation: float, is_best: bool) -> str:
    text = f"{mean:.3f} ± {deviation:.3f}"
    return f"**{text}**" if is_best else text


def _row(cells) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
