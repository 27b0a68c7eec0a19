"""One replica and two of the same global batch, on two virtual CPUs."""

import json
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf

mode, update, out = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_gan
from keras_gan import constraints, metrics, penalties, schedules


class Zeros(keras_gan.latents.Normal):
    def __call__(self, batch_size, seed):
        return tf.zeros((batch_size, *self.shape))


strategy = tf.distribute.get_strategy()
if mode != "one":
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
keras.utils.set_random_seed(1)
with strategy.scope():
    players = keras_gan.architectures.mlp((6,), latent_dim=4, units=(8,))
    sampler = None if mode == "own" else Zeros((4,))
    gan = keras_gan.GAN(*players, latents=sampler, seed=1)
    rate = schedules.Linear(0.1, 0.05, 64)
    rules = {
        "alternating": [
            penalties.ZeroCentered(schedules.Linear(0.5, 0.1, 64)),
            penalties.SampleEnergy(0.1, every=2), penalties.WeightDecay(0.1),
        ],
        "shared": [penalties.LeCam(start=2), penalties.R1(0.5, every=2)],
        "one_stage": [penalties.LeCam(start=2), constraints.WeightClip(0.2)],
    }[update]
    projection = metrics.features.random_projection((6,), 4)
    gan.compile(
        keras.optimizers.SGD(rate), keras.optimizers.SGD(0.1),
        loss="relativistic", penalties=rules, update=update,
        metrics=[
            metrics.FrechetDistance(projection),
            metrics.DensityCoverage(metrics.features.raw((6,))),
        ],
    )
x = np.random.default_rng(0).uniform(-1, 1, (32, 6)).astype("float32")
data = tf.data.Dataset.from_tensor_slices(x).batch(8)
logs = gan.fit(
    data, epochs=2, validation_data=data, verbose=0, shuffle=False
).history
if mode == "own":
    def draw():
        return gan.latents(3, gan.seed_generator)
    drawn = strategy.experimental_local_results(strategy.run(draw))
    logs = {"drawn": [d.numpy().tolist() for d in drawn]}
state = [*gan.weights, *gan.compiled_state().values()]
weights = [np.asarray(w).tolist() for w in state]
with open(out, "w") as file:
    json.dump({"weights": weights, "logs": logs}, file)
"""

JUDGES = """
import json, sys
import keras, numpy as np, tensorflow as tf

mode, _, out = sys.argv[1:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_gan
from keras_gan import metrics

SHAPE = (16, 16, 1)


class Zeros(keras_gan.latents.Normal):
    def __call__(self, batch_size, seed):
        return tf.zeros((batch_size, *self.shape))


strategy = tf.distribute.get_strategy()
if mode == "two":
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
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
x = np.random.default_rng(0).uniform(-1, 1, (32, *SHAPE)).astype("float32")
data = tf.data.Dataset.from_tensor_slices(x).batch(8)
logs = [gan.evaluate(data, verbose=0, return_dict=True) for _ in range(2)]
with open(out, "w") as file:
    json.dump(logs, file)
"""


def run(mode, tmp_path, update="alternating", script=SCRIPT):
    out = tmp_path / f"{mode}.json"
    command = [sys.executable, "-c", script, mode, update, str(out)]
    subprocess.run(command, check=True)
    return json.loads(out.read_text())


@pytest.mark.large
@pytest.mark.parametrize("update", ["alternating", "shared", "one_stage"])
def test_two_replicas_equal_one(update, tmp_path):
    one, two = (run(mode, tmp_path, update) for mode in ("one", "two"))
    assert int(one["weights"][0]) == int(two["weights"][0]) == 64
    for a, b in zip(one["weights"], two["weights"]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert one["logs"].keys() == two["logs"].keys()
    assert {"val_frechet_distance", "val_coverage"} <= one["logs"].keys()
    for name, values in one["logs"].items():
        np.testing.assert_allclose(values, two["logs"][name], rtol=1e-4)


@pytest.mark.large
def test_each_replica_draws_its_own_latents(tmp_path):
    first, second = run("own", tmp_path)["logs"]["drawn"]
    assert not np.allclose(first, second)


@pytest.mark.large
def test_judges_of_two_replicas_equal_those_of_one(tmp_path):
    one, two = (run(mode, tmp_path, script=JUDGES) for mode in ("one", "two"))
    for name, value in one[0].items():
        found = [logs[name] for logs in (one[1], *two)]
        np.testing.assert_allclose(found, value, rtol=1e-4, err_msg=name)
