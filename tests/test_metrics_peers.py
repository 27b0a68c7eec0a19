"""Judges of features agree with torch-fidelity and prdc.

`benchmarks/metric_peers.py` asked those programs for the values in
`golden_metrics.json`, which names their versions. Where definitions differ,
ours is given what makes it compute the same.
"""

import functools
import json
import pathlib

import golden_metrics
import numpy as np
import pytest

from keras_gan import metrics

PATH = pathlib.Path(golden_metrics.__file__).with_suffix(".json")
GOLDEN = json.loads(PATH.read_text())


@functools.cache
def matrix(name):
    found = golden_metrics.matrix(**GOLDEN["matrices"][name]["recipe"])
    assert golden_metrics.sha256(found) == GOLDEN["matrices"][name]["sha256"], (
        f"{name}: NumPy {np.__version__} draws other numbers, run the benchmark"
    )
    return found


class LegacyRows:
    """Draws the subsets that torch-fidelity draws."""

    def __init__(self, seed):
        self.state = np.random.RandomState(seed)

    def choice(self, rows, size, replace):
        return rows[self.state.choice(len(rows), size, replace=replace)]


def frechet_distance(real, fake):
    return {"distance": metrics.frechet_distance(real, fake)}


def kernel_distance(real, fake, num_subsets, subset_size, seed):
    """Same subsets; our error times the root that it is divided by.

    Of all rows the error is unknown, and their deviation 0.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "default_rng", LegacyRows)
        mean, error = metrics.kernel_distance(
            real, fake, num_subsets, subset_size, seed
        )
    share = subset_size / min(len(real), len(fake))
    if share == 1:
        assert np.isnan(error)
        return {"mean": mean, "deviation": 0.0}
    apart = min(num_subsets, 1 / share) * (1 - share)
    return {"mean": mean, "deviation": error * apart**0.5}


def inception_score(logits, num_splits):
    """Rows in the order that makes our parts the peer's, of rows in a row."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    n, p = len(odds), odds / odds.sum(axis=1, keepdims=True)
    edges = np.arange(num_splits + 1) * n // num_splits
    parts = [p[a:b] for a, b in zip(edges, edges[1:])]
    parts.sort(key=len, reverse=True)
    rows = [parts[i % num_splits][i // num_splits] for i in range(n)]
    mean, deviation = metrics.inception_score(np.array(rows), num_splits)
    return {"mean": mean, "deviation": deviation}


def precision_recall(real, fake, k):
    found = metrics.precision_recall(real, fake, k)
    return dict(zip(("precision", "recall"), found))


def density_coverage(real, fake, k):
    found = metrics.density_coverage(real, fake, k)
    return dict(zip(("density", "coverage"), found))


OURS = {
    function.__name__: function
    for function in (
        frechet_distance,
        kernel_distance,
        inception_score,
        precision_recall,
        density_coverage,
    )
}


def label(case):
    settings = [str(value) for value in case["settings"].values()]
    parts = [case["peer"], case["metric"], *case["matrices"], *settings]
    return "-".join(parts).replace(" ", "-")


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=label)
def test_value_is_the_peers(case):
    arrays = [matrix(name) for name in case["matrices"]]
    found = OURS[case["metric"]](*arrays, **case["settings"])
    assert list(found) == list(case["values"])
    np.testing.assert_allclose(
        list(found.values()), list(case["values"].values()), rtol=1e-6
    )


def test_each_metric_has_a_peer():
    assert {case["metric"] for case in GOLDEN["cases"]} == set(OURS)
