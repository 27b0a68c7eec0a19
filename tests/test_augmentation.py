import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import architectures
from keras_gan import augment_dataset
from keras_gan import datasets
from keras_gan import tasks

COUNTS = [12, 5, 3]
LABELS = np.repeat([0, 1, 2], COUNTS)
# Multiples of 1 / 64, which the generator's tanh does not meet.
X = np.arange(40.0, dtype="float32").reshape(20, 2) / 64.0


def is_real(x):
    return np.all(x * 64.0 == np.round(x * 64.0), axis=1)


def make_gan():
    keras.utils.set_random_seed(3)
    players = architectures.mlp((2,), 4, num_classes=3, units=(8,))
    return keras_gan.ConditionalGAN(*players, num_classes=3, seed=0)


def read(dataset):
    x, y = zip(*dataset.as_numpy_iterator())
    return np.concatenate(x), np.concatenate(y)


@pytest.mark.parametrize(
    ("per_class", "balance", "fakes"),
    [
        (4, True, [4, 11, 13]),
        (4, False, [4, 4, 4]),
        (0, True, [0, 7, 9]),
        (0, False, [0, 0, 0]),
    ],
)
def test_reals_and_the_right_fakes(per_class, balance, fakes):
    gan, asked = make_gan(), np.repeat([0, 1, 2], fakes)
    found = augment_dataset(gan, (X, LABELS), per_class, balance, 1, seed=5)
    assert int(found.cardinality()) == 20 + sum(fakes)
    assert found.num_classes == 3
    x, y = read(found)
    assert x.dtype == "float32" and y.dtype == "int64"
    real = is_real(x)
    order = np.argsort(x[real, 0])
    np.testing.assert_array_equal(x[real][order], X)
    np.testing.assert_array_equal(y[real][order], LABELS)
    wanted = gan.generate(asked, seed=5) if sum(fakes) else np.zeros((0, 2))
    both = [
        sorted(zip(labels, samples.tolist()))
        for labels, samples in ((y[~real], x[~real]), (asked, wanted))
    ]
    assert both[0] == both[1]


def test_batches_are_mixed_anew_each_epoch_and_follow_the_seed():
    gan = make_gan()
    first, again, other = (
        augment_dataset(gan, (X, LABELS), 4, batch_size=16, seed=seed)
        for seed in (1, 1, 2)
    )
    one, two = read(first)[0], read(first)[0]
    assert len(one) == 48 and not np.array_equal(one, two)
    np.testing.assert_array_equal(read(again)[0], one)
    assert not np.array_equal(read(other)[0], one)
    # Reals stood first.
    assert 2 <= np.sum(is_real(one[:16])) <= 14


def test_data_set_and_model_are_left_as_they_were():
    gan = make_gan()
    train, _ = datasets.load((X - 0.5, LABELS), batch_size=5, test_fraction=0.0)
    train.position.seek(6)
    found = augment_dataset(gan, train)
    assert train.position.batch == 6
    assert found.element_spec[0].shape == (5, 2)
    expected = make_gan()
    np.testing.assert_array_equal(
        gan.generate([0, 1]), expected.generate([0, 1])
    )
    _, labels = read(augment_dataset(gan, train, batch_size=1))
    assert np.bincount(labels).tolist() == [12, 12, 12]


def test_another_scale_is_told():
    with pytest.warns(UserWarning, match="Reals reach 80 and fakes 0"):
        augment_dataset(make_gan(), (X * 128.0 + 2.0, LABELS), batch_size=8)


def plain():
    return keras_gan.GAN(*architectures.mlp((2,), 4, units=(8,)), seed=0)


def few_labels():
    players = architectures.mlp((2,), 4, units=(8,))
    return tasks.SemiSupervisedGAN(*players, num_classes=3)


@pytest.mark.parametrize("gan", [plain, few_labels])
def test_models_without_classes_to_ask_for(gan):
    with pytest.raises(ValueError, match="`gan` must make samples of a class"):
        augment_dataset(gan(), (X, LABELS))


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (X, {}, TypeError, "`dataset` must be a pair"),
        ((X, LABELS + 1), {}, ValueError, "labels of dataset.*3"),
        ((X, LABELS - 1), {}, ValueError, "labels of dataset.*-1"),
        ((X[:, :1], LABELS), {}, ValueError, r"shape of the generator.*20, 1"),
        ((X.astype("uint8"), LABELS), {}, ValueError, "must be floats.*uint8"),
        ((X, LABELS), {"per_class": -1}, ValueError, "per_class=-1"),
        ((X, LABELS), {"per_class": 1.5}, TypeError, "per_class=1.5"),
        ((X, LABELS), {"balance": "no"}, TypeError, "balance='no'"),
        ((X, LABELS), {"batch_size": 0}, ValueError, "batch_size=0"),
        ((X, LABELS), {"batch_size": 99}, ValueError, "fakes, 36.*=99"),
        ((X, LABELS), {"seed": -1}, ValueError, "seed=-1"),
        ((X, LABELS), {"truncation": -1}, ValueError, "truncation=-1"),
    ],
)
def test_bad_input(data, options, error, message):
    with pytest.raises(error, match=message):
        augment_dataset(make_gan(), data, **options)
