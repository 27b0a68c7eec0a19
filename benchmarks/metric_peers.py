"""Values of torch-fidelity and prdc, which the tests hold our metrics against.

    pip install torch torchvision torch-fidelity prdc click
    python benchmarks/metric_peers.py

Needs no Keras. The public functions of both get the float64 matrices of
`tests/golden_metrics.py`; recipes, SHA-256, settings, versions and values go
to `tests/golden_metrics.json`, which `tests/test_metrics_peers.py` reads.
Settings have the names of our arguments; `seed` of the kernel distance is that
of torch-fidelity's own generator.
"""

import contextlib
import json
import os
import pathlib
import platform
import sys
from importlib import metadata

import click
import prdc
import torch
from torch_fidelity import metric_fid
from torch_fidelity import metric_isc
from torch_fidelity import metric_kid
from torch_fidelity import metric_prc

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
import golden_metrics

OUT = pathlib.Path(golden_metrics.__file__).with_suffix(".json")
PACKAGES = ("torch-fidelity", "prdc", "numpy", "scipy", "scikit-learn", "torch")
MANY, LESS = {"rows": 1_500, "columns": 64}, {"rows": 1_200, "columns": 64}
RECIPES = {
    "real": {"seed": 1, **MANY, "mix": 0.7},
    "fake": {"seed": 2, **LESS, "mix": -0.4, "spread": 1.2, "shift": 0.1},
    "twin": {"seed": 3, **LESS, "mix": 0.7},
    "relu_real": {"seed": 4, **MANY, "mix": 0.7, "floor": 0.0},
    "relu_fake": {"seed": 5, **LESS, "mix": 0.2, "shift": 0.1, "floor": 0.0},
    "few_real": {"seed": 6, "rows": 40, "columns": 64, "mix": 0.7},
    "few_fake": {"seed": 7, "rows": 50, "columns": 64, "shift": 0.1},
    "far_real": {"seed": 8, **MANY, "mix": 0.7, "spread": 0.1, "shift": 1e3},
    "far_fake": {"seed": 9, **LESS, "spread": 0.1, "shift": 1000.05},
    "flat_real": {"seed": 10, "rows": 1_500, "columns": 6, "mix": 0.7},
    "flat_fake": {"seed": 11, "rows": 1_200, "columns": 6, "shift": 0.1},
    "logits": {"seed": 12, "rows": 1_203, "columns": 10, "spread": 6.0},
    "sure_logits": {"seed": 13, "rows": 1_203, "columns": 10, "spread": 400.0},
}
PAIRS = [
    ("real", "fake"),
    ("real", "twin"),
    *((f"{kind}_real", f"{kind}_fake") for kind in ("relu", "flat")),
]
FRECHET = [*PAIRS, ("few_real", "few_fake"), ("far_real", "far_fake")]
SUBSETS = {"num_subsets": 20, "subset_size": 300, "seed": 2020}
WHOLE = {"num_subsets": 1, "subset_size": 1_200, "seed": 2020}
SPLITS = {"logits": (1, 10), "sure_logits": (10,)}


def frechet_distance(real, fake):
    """By torch-fidelity."""
    statistics = map(metric_fid.fid_features_to_statistics, (real, fake))
    found = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    return {"distance": found[metric_fid.KEY_METRIC_FID]}


def kernel_distance(real, fake, num_subsets, subset_size, seed):
    """By torch-fidelity; the deviation is that over the subsets."""
    found = metric_kid.kid_features_to_metric(
        real,
        fake,
        kid_subsets=num_subsets,
        kid_subset_size=subset_size,
        rng_seed=seed,
        verbose=False,
    )
    return {
        "mean": found[metric_kid.KEY_METRIC_KID_MEAN],
        "deviation": found[metric_kid.KEY_METRIC_KID_STD],
    }


def inception_score(logits, num_splits):
    """By torch-fidelity, of consecutive parts."""
    found = metric_isc.isc_features_to_metric(logits, num_splits, shuffle=False)
    return {
        "mean": found[metric_isc.KEY_METRIC_ISC_MEAN],
        "deviation": found[metric_isc.KEY_METRIC_ISC_STD],
    }


def precision_recall(real, fake, k):
    """By torch-fidelity, which takes the fakes first."""
    found = metric_prc.prc_features_to_metric(
        fake, real, prc_neighborhood=k, verbose=False
    )
    return {name: found[name] for name in ("precision", "recall")}


def by_prdc(*names):
    """A function of both matrices that gives these values of prdc."""

    def function(real, fake, k):
        with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
            found = prdc.compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
        return {name: float(found[name]) for name in names}

    return function


FIDELITY, PRDC = "torch-fidelity", "prdc"
NEIGHBOURS = [(pair, {"k": k}) for pair in PAIRS[1:] for k in (1, 3, 5)]
# Name of our function, program, its function, matrices and settings.
CASES = [
    (
        "frechet_distance",
        FIDELITY,
        frechet_distance,
        [(pair, {}) for pair in FRECHET],
    ),
    (
        "kernel_distance",
        FIDELITY,
        kernel_distance,
        [*((pair, SUBSETS) for pair in PAIRS), (("fake", "twin"), WHOLE)],
    ),
    (
        "inception_score",
        FIDELITY,
        inception_score,
        [((name,), {"num_splits": n}) for name in SPLITS for n in SPLITS[name]],
    ),
    ("precision_recall", FIDELITY, precision_recall, NEIGHBOURS),
    ("precision_recall", PRDC, by_prdc("precision", "recall"), NEIGHBOURS),
    ("density_coverage", PRDC, by_prdc("density", "coverage"), NEIGHBOURS),
]


@click.command()
@click.option("--out", default=str(OUT), show_default=True)
def main(out):
    """Ask the other programs and write what they answer."""
    matrices = {
        name: golden_metrics.matrix(**recipe)
        for name, recipe in RECIPES.items()
    }
    content = {
        "command": "python benchmarks/metric_peers.py",
        "versions": versions(),
        "matrices": {
            name: {
                "recipe": RECIPES[name],
                "sha256": golden_metrics.sha256(array),
            }
            for name, array in matrices.items()
        },
        "cases": list(cases(matrices)),
    }
    pathlib.Path(out).write_text(json.dumps(content, indent=1) + "\n")


def versions():
    """Of Python and of all that has a part in the values."""
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found}


def cases(matrices):
    """Yields the rows of the file."""
    for metric, peer, function, runs in CASES:
        for names, settings in runs:
            arrays = [torch.from_numpy(matrices[name]) for name in names]
            yield {
                "metric": metric,
                "peer": f"{peer} {metadata.version(peer)}",
                "matrices": names,
                "settings": settings,
                "values": function(*arrays, **settings),
            }


if __name__ == "__main__":
    main()
