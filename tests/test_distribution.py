"""What holds before replicas train; the training itself: test_replicas.py."""

import json
from urllib.error import URLError

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gan
from keras_gan import distribution
from keras_gan import replicas
from keras_gan import saving
from keras_gan import seeds
from keras_gan import shares
from keras_gan.callbacks import backup_signals

CLUSTER = {"worker": ["localhost:1", "localhost:2"]}


class Cluster(tf.distribute.MultiWorkerMirroredStrategy):
    """Knows what `TF_CONFIG` says, and waits for nobody."""

    cluster_resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()

    def __init__(self):
        pass


def config(cluster, kind, index):
    task = {"type": kind, "index": index}
    return json.dumps({"cluster": cluster, "task": task})


@pytest.mark.parametrize(
    "cluster, kind, index, expected",
    [
        (CLUSTER, "worker", 0, True),
        (CLUSTER, "worker", 1, False),
        ({"chief": ["localhost:3"], **CLUSTER}, "worker", 0, False),
        ({"chief": ["localhost:3"], **CLUSTER}, "chief", 0, True),
    ],
)
def test_one_process_is_the_chief(monkeypatch, cluster, kind, index, expected):
    monkeypatch.setenv("TF_CONFIG", config(cluster, kind, index))
    assert replicas.is_chief(Cluster()) is expected
    # One that trains by itself writes, whatever TF_CONFIG says.
    assert replicas.is_chief(tf.distribute.MirroredStrategy(["CPU:0"]))
    monkeypatch.setenv("TF_CONFIG", "{")
    assert replicas.is_chief(tf.distribute.get_strategy())


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_processes_that_save_at_once_do_not_meet(monkeypatch, tmp_path, ending):
    path = tmp_path / f"gan{ending}"

    def replaced(index):
        monkeypatch.setenv("TF_CONFIG", config(CLUSTER, "worker", index))
        return saving.replaced(path, ending, True, Cluster())

    with replaced(0) as first, replaced(1) as second:
        for index, unfinished in enumerate((first, second)):
            assert unfinished.name.endswith(ending)
            unfinished.write_text(str(index))
    assert path.read_text() == "0"
    assert list(tmp_path.iterdir()) == [path]


def writers(folder):
    csv = keras.callbacks.CSVLogger(str(folder / "log.csv"))
    checkpoint = keras.callbacks.ModelCheckpoint(str(folder / "gan.keras"))
    return [csv, [checkpoint, keras.callbacks.TerminateOnNaN()]]


@pytest.mark.parametrize("index, kept", [(0, 3), (1, 1)])
def test_callbacks_that_write_are_the_chiefs(
    monkeypatch, tmp_path, index, kept
):
    monkeypatch.setenv("TF_CONFIG", config(CLUSTER, "worker", index))
    found = distribution.those_of_this_process(writers(tmp_path), Cluster())
    assert len(keras.tree.flatten(found)) == kept
    listed = keras.callbacks.CallbackList(writers(tmp_path)[:1])
    found = distribution.those_of_this_process(listed, Cluster())
    assert found is listed and len(found.callbacks) == kept // 3


def test_callbacks_that_cannot_share_files_are_refused(tmp_path):
    restore = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(ValueError, match="callbacks with BackupAndRestore$"):
        distribution.those_of_this_process([restore], Cluster())


class Peers:
    """Two other processes, of which one heard SIGTERM."""

    has_peers = True

    def numbers(self, number):
        return [0, number, 15]


def test_a_signal_counts_once_all_processes_know_of_it():
    signals = backup_signals.Signals(tf.distribute.get_strategy())
    signals.heard = 2
    assert [signals.agreed(step) for step in (0, 1, 9)] == [2, 2, 2]
    signals.agreement = Peers()
    assert [signals.agreed(step) for step in (1, 9, 10, 20)] == [
        *(None, None),
        *(15, 15),
    ]
    signals.heard = None
    assert signals.agreed(1) is None and signals.agreed() == 15
    signals.agreement.numbers = lambda number: [number, 0]
    assert signals.agreed() is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", config(CLUSTER, "worker", 2), config({}, "worker", 0)],
)
def test_a_cluster_that_cannot_be_read_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="Received: TF_CONFIG=") as error:
        distribution.strategy("multi_worker")
    assert repr(text) in str(error.value)


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="Received: name='parameter_server'"):
        distribution.strategy("parameter_server")


@pytest.mark.parametrize("name", [None, "local", "nobody's"])
def test_no_tpu_is_said(monkeypatch, name):
    """By each way to look for one: on this machine, in Google's cloud."""
    monkeypatch.delenv("TPU_NAME", raising=False)
    if name is not None:
        monkeypatch.setenv("TPU_NAME", name)
    asked = []

    def lookup(tpu):
        asked.append(tpu)
        raise URLError("no such host")

    resolvers = tf.distribute.cluster_resolver
    monkeypatch.setattr(resolvers, "TPUClusterResolver", lookup)
    with pytest.raises(ValueError, match="Received: TPU_NAME=") as error:
        distribution.strategy("tpu")
    assert asked == [name or "local"]
    assert repr(asked[0]) in str(error.value)


@pytest.mark.parametrize(
    "given, expected", [("AUTO", "DATA"), ("OFF", "OFF"), ("FILE", "FILE")]
)
def test_processes_share_batches_by_rows(given, expected):
    """Whole files, Keras' way, would make other batches; a choice stays."""
    policies = tf.data.experimental.AutoShardPolicy
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policies[given]
    data = tf.data.Dataset.range(4).with_options(options)
    found = shares.sharded_by_rows(data).options()
    policy = found.experimental_distribute.auto_shard_policy
    assert policy == policies[expected]


def test_processes_shuffle_no_arrays(monkeypatch):
    """Each would in its own order; what `shuffle` does not move may come."""
    players = keras_gan.architectures.mlp((2,), 2, units=(4,))
    gan = keras_gan.GAN(*players)
    gan.compile("sgd", "sgd")
    x = np.zeros((8, 2))
    gan.fit(x, verbose=0)
    monkeypatch.setattr(shares, "spans_processes", lambda _: True)
    with pytest.raises(ValueError, match="arrays with shuffle=True"):
        gan.fit(x, verbose=0)
    assert int(gan.images_seen) == 8
    gan.fit(x, shuffle=False, verbose=0)
    for data in (tf.data.Dataset.from_tensors(x), iter([x])):
        shares.check_order(data, gan.distribute_strategy)


def test_layers_below_layers_draw_apart():
    inner = keras.layers.Dropout(0.5, seed=1)
    model = keras.Sequential([keras.Input((3,)), keras.Sequential([inner])])
    before = inner(np.ones((2, 3)), training=True)
    seeds.restart([model], 0)
    inner.seed_generator.state.assign([1, 0])
    seeds.draw_apart([model, None])
    assert type(inner.seed_generator) is seeds.ReplicaSeedGenerator
    # One replica draws what it drew.
    after = inner(np.ones((2, 3)), training=True)
    np.testing.assert_array_equal(before, after)


def test_second_derivatives_of_batch_statistics_are_exact():
    """`tf.nn.moments` holds its mean fixed, which this would show."""
    layer = keras.layers.BatchNormalization(
        synchronized=True, epsilon=1e-3, dtype="float64"
    )
    x = tf.constant([[0.3], [-1.2], [0.9]], "float64")
    layer.build(x.shape)

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(layer(x, training=True) ** 3)
        return tape.gradient(value, x)[0, 0]

    with tf.GradientTape() as tape:
        tape.watch(x)
        first = slope(x)
    found = tape.gradient(first, x)[1, 0]
    step = tf.constant([[0.0], [1e-5], [0.0]], "float64")
    expected = (slope(x + step) - slope(x - step)) / 2e-5
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_weighted_data_are_those_that_keras_can_map():
    """For `class_weight` Keras maps what it is given."""
    x, y = np.zeros((8, 2), "float32"), np.arange(8) % 2
    data, _ = keras_gan.datasets.load((x, y), batch_size=4, test_fraction=0.0)
    found = shares.of_this_process(data, None, weighted=True)
    policy = found.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA
    found.map(lambda x, y: (x, y, tf.ones_like(y)))
