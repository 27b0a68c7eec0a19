"""One replica and two of the same global batch, on two virtual CPUs."""

import json
import pathlib
import subprocess
import sys

import conformance
import numpy as np
import pytest
import replica_worker

HERE = pathlib.Path(__file__).parent
NAMES = [case.name for case in replica_worker.CASES]
# Clipping, Adam, weights of rows, one pass for both players, and all that
# looks at the batch as a whole, in some steps only.
DEFAULT = ("vector", "adam", "weights", "smooth", "coupled")
REST = [name for name in NAMES if name not in DEFAULT]
GROUPS = [DEFAULT, *(REST[i::3] for i in range(3))]
HALVES = [case.name for case in replica_worker.HALVES]

JUDGES = """
import json, sys
import keras, numpy as np, tensorflow as tf

(out,) = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_gan
from keras_gan import metrics

SHAPE = (16, 16, 1)


class Zeros(keras_gan.latents.Normal):
    def __call__(self, batch_size, seed):
        return tf.zeros((batch_size, *self.shape))


x = np.random.default_rng(0).uniform(-1, 1, (32, *SHAPE)).astype("float32")
data = tf.data.Dataset.from_tensor_slices(x).batch(8, True)


def evaluated(strategy):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        players = keras_gan.architectures.mlp(SHAPE, latent_dim=4, units=(8,))
        gan = keras_gan.GAN(*players, latents=Zeros((4,)), seed=1)
        network = metrics.features.random_projection(SHAPE, 4)
        classifier = metrics.features.random_projection(SHAPE, 3, seed=1)
        gan.compile(keras.optimizers.SGD(), keras.optimizers.SGD(), metrics=[
            metrics.FrechetDistance(network),
            metrics.KernelDistance(network, num_subsets=5, subset_size=10),
            metrics.PrecisionRecall(network),
            metrics.DensityCoverage(network),
            metrics.Authenticity(network),
            metrics.InceptionScore(classifier, num_splits=2),
            metrics.ModeCount(classifier),
            metrics.ClassHistogramDivergence(classifier),
            metrics.SlicedWasserstein(SHAPE),
            metrics.MultiscaleSSIM(SHAPE),
            metrics.Duplicates(SHAPE),
        ])
    return [gan.evaluate(data, verbose=0, return_dict=True) for _ in range(2)]


two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
logs = [evaluated(s) for s in (tf.distribute.get_strategy(), two)]
with open(out, "w") as file:
    json.dump(logs, file)
"""

MESSAGES = {
    "d_optimizer": "`d_optimizer` was made outside the scope",
    "inner": "`g_optimizer` was made outside the scope",
    "metric": "`metrics` was made outside the scope",
    "players": "`generator` was made outside the scope",
    "model": "`generator` was made outside the scope",
    "augment": "`augment` was made outside the scope",
    "fit": "`model` was made outside the scope",
    "accumulation": "Received: gradient_accumulation_steps=2",
    "steps_per_execution": "steps_per_execution=2 with 2 replicas",
    "jit_compile": "Received: jit_compile=True with 2 replicas",
    "scaled_and_clipped": "g_optimizer={'clipnorm': 1.0}",
    "unknown_rows": "Received: x with batches of None rows",
    "odd_rows": "Received: x with batches of 3 rows",
    "odd_arrays": "Received: x with 23 rows in batches of 8",
    "odd_split": "Received: x with 19 rows in batches of 8",
    "odd_validation": "validation_data with 21 rows in batches of 8",
    "odd_last": "Received: x with 3 rows in batch 2",
    **{
        f"{verb}_on_batch": f"`{verb}_on_batch` would give the whole batch"
        for verb in ("train", "test", "predict")
    },
    "single_samples": "Received: real samples of shape=(3,)",
    "uneven_generator": "batches of different sizes; the mean over",
    "odd_evaluation": "Received: x with batches of 7 rows",
}


def run(script, *arguments):
    command = [sys.executable, *script, *map(str, arguments)]
    subprocess.run(command, check=True, cwd=HERE)


@pytest.mark.large
@pytest.mark.parametrize(
    "names",
    [GROUPS[0], *(pytest.param(g, marks=pytest.mark.long) for g in GROUPS[1:])],
    ids=lambda names: names[0],
)
def test_two_replicas_equal_one(names, tmp_path):
    """All of the conformance list: weights, statistics, seeds, logs."""
    out = tmp_path / "ended.json"
    run(["replica_worker.py"], out, *names)
    ended = json.loads(out.read_text())
    assert sorted(ended) == sorted(names)
    for name, (one, two) in ended.items():
        seen = replica_worker.STEPS * conformance.BATCH
        assert one["state"]["weights_0"] == seen
        for part in ("state", "logs"):
            assert one[part].keys() == two[part].keys()
            for key, value in one[part].items():
                np.testing.assert_allclose(
                    two[part][key],
                    value,
                    rtol=1e-4,
                    atol=1e-5,
                    err_msg=f"{name}: {key}",
                )


def distance(a, b):
    return np.linalg.norm(np.subtract(a, b))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(HALVES[:1], marks=pytest.mark.large),
        pytest.param(HALVES[1:], marks=pytest.mark.long),
    ],
    ids=lambda names: names[0],
)
def test_two_replicas_equal_one_in_half_precision(names, tmp_path):
    """As far as sums over 4 and over 8 rows round alike.

    Roundings of many weights go this way and that; a gradient of the wrong
    size moves all of them by as much more or less.
    """
    out = tmp_path / "ended.json"
    run(["replica_worker.py"], out, *names)
    ended = json.loads(out.read_text())
    assert sorted(ended) == sorted(names)
    for name, (one, two) in ended.items():
        places = 2.0**-10 if "float16" in name.split("_") else 2.0**-7
        assert one["state"].keys() == two["state"].keys()
        # Single tensors under batch statistics are half noise in bfloat16.
        noisy = name == "coupled-mixed_bfloat16"
        for part, value in one["state"].items():
            moved = distance(value, one["begun"][part])
            error = distance(two["state"][part], value)
            assert noisy or error <= 16 * places * moved + 1e-5, (name, part)
        for role, moved in one["moved"].items():
            share = np.dot(two["moved"][role], moved) / np.dot(moved, moved)
            assert abs(share - 1) <= 2 * places, (name, role, share)


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    out = tmp_path_factory.mktemp("traps") / "traps.json"
    run(["replica_traps.py"], out)
    return json.loads(out.read_text())


@pytest.mark.large
def test_what_cannot_work_is_refused(traps):
    """Before a step; of a generator, at the step that is uneven."""
    for name, message in MESSAGES.items():
        assert traps[name].startswith("ValueError"), (name, traps[name])
        assert message in traps[name], name


@pytest.mark.large
@pytest.mark.parametrize("name", ["even_arrays", "even_last"])
def test_a_last_batch_that_is_smaller_but_even_trains(traps, name):
    assert len(traps[name]) == 1


@pytest.mark.large
@pytest.mark.parametrize("place", ["first", "second"])
def test_all_replicas_leave_out_what_overflows_on_one(traps, place):
    """The discriminator's step alone; the generator saw no bad value."""
    discriminator, generator = traps[f"bad_row_of_the_{place}"]
    assert not any(discriminator["moved"])
    assert discriminator["scales"] == [2.0**14] * 2
    assert discriminator["steps"] == [0, 0]
    assert all(generator["moved"]) and generator["finite"]
    assert generator["scales"] == [2.0**15] * 2
    assert generator["steps"] == [1, 1]


@pytest.mark.large
@pytest.mark.parametrize(
    "name, expected",
    [
        ("clipped", [True, True, False]),
        ("command", [0, 1]),
        ("choices", [2]),
        ("parts", [3, 24, True]),
    ],
)
def test_what_works(traps, name, expected):
    """Clipping beside a weight without gradient; the command, which leaves
    out a test sample; what a backup says; data that a process reads in parts,
    one for each of its replicas."""
    assert traps[name] == expected


@pytest.mark.large
@pytest.mark.parametrize("name", ["latents", "dropout"])
def test_each_replica_draws_its_own(traps, name):
    first, second = traps[name]
    assert not np.allclose(first, second)


@pytest.mark.large
def test_batch_statistics_are_synchronized(traps):
    """All on replicas; alone, those that a penalty may differentiate."""
    assert traps["batch_norm"] == [True, True, True]
    assert traps["batch_norm_alone"] == [False, True, False]
    assert traps["reloaded"] == [[True, True, True], 24]


@pytest.mark.large
def test_judges_of_two_replicas_equal_those_of_one(tmp_path):
    out = tmp_path / "found.json"
    run(["-c", JUDGES], out)
    one, two = json.loads(out.read_text())
    for name, value in one[0].items():
        found = [logs[name] for logs in (one[1], *two)]
        np.testing.assert_allclose(found, value, rtol=1e-4, err_msg=name)
