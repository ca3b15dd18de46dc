"""The benchmark of all methods: its runs, what is kept of them, and its page."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

ZOO = Path(__file__).resolve().parents[2] / "zoo"


@pytest.fixture
def benchmark(load_script, monkeypatch):
    """The script, with a budget of seconds and the features of a tiny backbone."""
    script = load_script("benchmark")
    monkeypatch.setattr("benchmark_run.FEATURES_LAYER", "fc6")
    monkeypatch.setattr("benchmark_run.STEPS", 6)
    monkeypatch.setattr("benchmark_run.BATCH", 32)
    monkeypatch.setattr(script, "RATES", (1e-3, 1e-2))
    monkeypatch.setattr(script, "FIRST_RATES", (1e-3, 1e-2))
    monkeypatch.setattr(script, "SEEDS", (0, 1))
    for module in (script, sys.modules["benchmark_run"]):
        monkeypatch.setattr(module, "LENGTHS", (8, 16))
    return script


@pytest.fixture
def data(benchmark):
    """Three classes of features that differ in their mean."""
    from benchmark_data import Benchmark, Part

    generator = np.random.default_rng(0)
    means = 3 * generator.normal(size=(3, 16))

    def part(count):
        classes = np.arange(count) % 3
        features = means[classes] + generator.normal(size=(count, 16))
        return Part(np.abs(features).astype("float32"), np.eye(3)[classes].astype("u1"))

    return Benchmark(
        "toy", part(96), part(30), part(9), part(60), ["a", "b", "c"], None, means
    )


@pytest.mark.usefixtures("eagerly")
def test_every_run_is_kept_and_none_is_made_twice(benchmark, data, tmp_path):
    results = benchmark.Results(tmp_path / "runs.json")
    backbone = TinyBackbone()
    for method in ("float features", "OrthoHash, nested", "BiHalf", "ITQ"):
        benchmark.run_method(results, backbone, data, method)
    kept = json.loads((tmp_path / "runs.json").read_text())
    assert set(kept["rates"]["toy/BiHalf"]) == {"0.001", "0.01"}
    assert "toy/ITQ" not in kept["rates"]
    assert len(kept["runs"]) == 1 + 3 * 4
    for key, run in kept["runs"].items():
        assert 0 <= run["map"] <= 1, key
    best = max(kept["rates"]["toy/BiHalf"], key=kept["rates"]["toy/BiHalf"].get)
    assert kept["runs"]["toy/BiHalf/16/1"]["rate"] == float(best)
    assert kept["runs"]["toy/ITQ/16/0"]["map"] > 0.6

    again = benchmark.Results(tmp_path / "runs.json")
    for method in ("float features", "OrthoHash, nested", "BiHalf", "ITQ"):
        benchmark.run_method(again, None, data, method)  # Nothing could be built.
    assert json.loads((tmp_path / "runs.json").read_text()) == kept


def test_rates_are_tried_beyond_the_best_one(benchmark, monkeypatch):
    """Held-out MAP has its peak at 1e-1 or at 1e-4, out of the first rates."""
    rates = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    monkeypatch.setattr(benchmark, "RATES", rates)
    for peak, expected in ((1e-1, rates[1:]), (1e-4, rates[:3]), (1e-2, rates[1:4])):
        tried = {}
        while missing := set(map(str, benchmark.rates_to_try(tried))) - set(tried):
            rate = min(missing)
            tried[rate] = 1 - abs(np.log10(float(rate)) - np.log10(peak)) / 10
        assert sorted(map(float, tried)) == list(expected)
        assert benchmark.best_rate(tried) == peak


def test_every_run_of_the_page_has_the_chosen_rate(load_script):
    script = load_script("benchmark")
    kept = json.loads((ZOO / "benchmark.json").read_text())
    checked = 0
    for key, tried in kept["rates"].items():
        assert all(str(rate) in tried for rate in script.rates_to_try(tried)), key
        for bits in script.LENGTHS:
            for seed in script.SEEDS:
                run = kept["runs"][f"{key}/{bits}/{seed}"]
                assert run["rate"] == script.best_rate(tried), key
                checked += 1
    assert checked == 68 * 9


def test_the_page_says_what_rates_beyond_the_first_change():
    rates = json.loads((ZOO / "benchmark.json").read_text())["rates"]
    first = ("0.001", "0.003", "0.01")
    at_an_end, gains = 0, []
    for tried in rates.values():
        best_of_first = max(first, key=tried.get)
        at_an_end += best_of_first != "0.003"
        if max(tried, key=tried.get) not in first:
            gains.append(max(tried.values()) - tried[best_of_first])
    said = " ".join((ZOO / "benchmark_page.md").read_text().split())
    assert f"For {at_an_end} of the {len(rates)} rates the best of the first" in said
    assert f"those beyond change {len(gains)} of them" in said
    assert f"raise a held-out MAP by {max(gains):.3f} at most" in said


@pytest.mark.usefixtures("eagerly")
def test_a_run_at_another_rate_is_made_again(benchmark, data, tmp_path):
    results = benchmark.Results(tmp_path / "runs.json")
    results.content["rates"]["toy/CSQ"] = {"0.001": 0.5, "0.01": 0.4}
    benchmark.run_method(results, TinyBackbone(), data, "CSQ")
    results.content["runs"]["toy/CSQ/8/1"]["rate"] = 0.01
    results.content["runs"]["toy/CSQ/16/0"]["date"] = "of the first time"
    benchmark.run_method(results, TinyBackbone(), data, "CSQ")
    assert all(run["rate"] == 0.001 for run in results.content["runs"].values())
    assert results.content["runs"]["toy/CSQ/16/0"]["date"] == "of the first time"


def test_the_radius_is_that_of_the_held_out_images(benchmark, data):
    import benchmark_run

    model = benchmark_run.new_model(
        benchmark_run.ENTRIES["ITQ"], TinyBackbone(), data, 16, seed=0
    )
    benchmark_run.train(model, data.train, None, seed=0)
    found = benchmark_run.measure(model, data, 16)
    held_out, query, database = (
        model.continuous_codes(part.features) >= 0
        for part in (data.held_out, data.query, data.database)
    )
    classes = data.held_out.labels.argmax(1)
    wrong = sorted(
        (held_out[i] != held_out[j]).sum()
        for i in range(30)
        for j in range(30)
        if classes[i] != classes[j]
    )
    assert found["radius"] == max(wrong[int(len(wrong) / 1000)] - 1, 0)
    precisions = []
    for code, label in zip(query, data.query.labels, strict=True):
        within = (database != code).sum(axis=1) <= found["radius"]
        right = data.database.labels @ label > 0
        precisions.append((within & right).sum() / max(within.sum(), 1))
    assert found["precision_at_radius"] == pytest.approx(np.mean(precisions))
    expected = kdh.evaluate_retrieval(
        np.packbits(query, axis=1),
        data.query.labels,
        np.packbits(database, axis=1),
        data.database.labels,
    )
    assert found["map"] == expected.map


def test_the_radius_of_equal_codes_is_0(benchmark):
    import benchmark_run

    model = kdh.LSH(TinyBackbone(), bits=16)
    codes, labels = np.ones((4, 16), np.float32), np.eye(4, dtype=np.uint8)
    assert benchmark_run.calibrated_radius(model, codes, labels, 16) == 0.0


@pytest.fixture
def page(load_script):
    return load_script("benchmark_page")


@pytest.fixture
def runs(page):
    """A run for each cell: the seeds 0, 1 and 2 give .4, .5 and .6."""
    made = {f"{name}/{page.FLOAT_FEATURES}": {"map": 0.75} for name in page.SETS}
    for name in page.SETS:
        for method in page.ENTRIES:
            for bits in page.LENGTHS:
                for seed in page.SEEDS:
                    made[f"{name}/{method}/{bits}/{seed}"] = {
                        "map": 0.4 + seed / 10 + (0.2 if method == "CSQ" else 0),
                        "precision_at_radius": 0.9,
                        "seconds": 7.0,
                    }
    return made


def test_a_cell_is_the_mean_of_three_seeds(page, runs):
    page.check_complete(runs)
    rows = page.table(runs, "cifar10").splitlines()
    assert len(rows) == 2 + len(page.ENTRIES) + 1
    best = "**0.700 ± 0.100**"
    assert rows[2] == f"| CSQ | {best} | {best} | {best} | 0.90 | 7 |"
    assert "| 0.500 ± 0.100 |" in rows[3]
    assert "0.750" in rows[-1]


def test_a_missing_seed_is_named(page, runs):
    del runs["unseen/HyP2/32/1"]
    with pytest.raises(SystemExit, match="1 of .* missing, such as unseen/HyP2/32/1"):
        page.check_complete(runs)


def test_the_text_has_a_place_for_each_table(page, runs, tmp_path):
    text = page.TEMPLATE.read_text(encoding="utf-8")
    for name in page.SETS:
        text = page.replaced(text, name, page.table(runs, name))
    assert text.count("| CSQ |") == len(page.SETS)
    page.draw(runs, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_the_summary_has_a_column_for_each_set(page, runs):
    rows = page.summary(runs).splitlines()
    assert len(rows) == 2 + len(page.ENTRIES) + 1
    assert rows[2] == f"| CSQ |{' **0.700 ± 0.100** |' * len(page.SETS)}"
    assert "| 0.500 ± 0.100 |" in rows[3]
    assert rows[-1] == f"| *float features* |{' 0.750 |' * len(page.SETS)}"


def test_the_pages_are_those_of_the_runs(page, monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmark_page.py", "--check"])
    page.main()


def test_a_page_of_other_runs_is_out_of_date(page, runs, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "OUTPUT", tmp_path / "benchmark.json")
    page.OUTPUT.write_text(json.dumps({"runs": runs}))
    monkeypatch.setattr("sys.argv", ["benchmark_page.py", "--check"])
    with pytest.raises(SystemExit, match="is out of date"):
        page.main()


def test_presets_of_heads_have_the_figures_of_the_table(load_script):
    heads, first_rates = load_script("fit_heads"), load_script("benchmark").FIRST_RATES
    kept = json.loads((ZOO / "benchmark.json").read_text())
    runs = kept["runs"]
    for name, head in heads.HEADS.items():
        metadata = json.loads((ZOO / "presets" / name / "metadata.json").read_text())
        run = runs[f"{head.set}/{head.method}/{head.bits}/{heads.SEED}"]
        assert metadata["metrics"]["map"] == pytest.approx(run["map"], abs=0.01)
        assert metadata["training"]["optimizer"].startswith(f"adamw, {head.rate:g},")
        tried = kept["rates"][f"{head.set}/{head.method}"]
        assert head.rate == max(first_rates, key=lambda rate: tried[str(rate)])
