import numpy as np
import pytest

from keras_gan import datasets
from keras_gan.datasets import few_labels

X = np.arange(60.0).reshape(60, 1)
Y = np.arange(60) % 3


def test_labels_left_are_true_balanced_and_a_share():
    x, y = few_labels(X, Y, per_class=4, share=0.75, seed=1)
    assert len(x) == 240 and (y >= 0).mean() == 0.75
    np.testing.assert_array_equal(x[:60], X)
    assert (y[:60] == -1).all()
    labelled = x[60:, 0].astype(int)
    np.testing.assert_array_equal(Y[labelled], y[60:])
    rows, times = np.unique(labelled, return_counts=True)
    assert len(rows) == 12 and set(times) == {15}
    assert np.bincount(Y[rows]).tolist() == [4, 4, 4]
    again, _ = few_labels(X, Y[:, None], per_class=4, share=0.75, seed=1)
    np.testing.assert_array_equal(again, x)
    other, _ = few_labels(X, Y, per_class=4, share=0.75, seed=2)
    assert not np.array_equal(other, x)


def test_no_share_repeats_nothing():
    x, y = few_labels(X, Y, per_class=2, share=0.0)
    assert len(x) == 66 and sorted(y[60:]) == [0, 0, 1, 1, 2, 2]


def test_missing_labels_are_loaded():
    x, y = few_labels(np.zeros((12, 2, 2), "uint8"), np.arange(12) % 3, 1)
    train, _ = datasets.load((x, y), batch_size=4, test_fraction=0.0)
    found = np.concatenate([labels for _, labels in train.as_numpy_iterator()])
    assert train.num_classes == 3
    assert np.unique(found).tolist() == [-1, 0, 1, 2]


def test_number_of_classes():
    x = np.zeros((8, 2), "float32")
    for y, wanted in ((np.arange(8) % 4, 4), (np.zeros((8, 2)), None)):
        train, _ = datasets.load((x, y), 2, test_fraction=0.0)
        assert train.num_classes == wanted
    assert datasets.load(x, batch_size=2)[0].num_classes is None
    assert datasets.load("fashion_mnist_10k")[0].num_classes == 10


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"per_class": 21}, ValueError, "per_class=21, 20 samples"),
        ({"per_class": 0}, ValueError, "per_class=0"),
        ({"per_class": 1.0}, TypeError, "per_class=1.0"),
        ({"per_class": 1, "share": 1.0}, ValueError, "share=1.0"),
        ({"per_class": 1, "y": Y - 1}, ValueError, "classes from -1"),
        ({"per_class": 1, "y": Y + 0.0}, ValueError, "dtype=float64"),
        ({"per_class": 1, "y": Y[1:]}, ValueError, "60 samples"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        few_labels(X, **{"y": Y, **options})
