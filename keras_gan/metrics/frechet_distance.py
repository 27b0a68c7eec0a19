"""Frechet distance of two sets of features."""

import warnings

import keras
import numpy as np
from keras import ops

from keras_gan.metrics.moments import Moments
from keras_gan.metrics.moments import merge
from keras_gan.metrics.moments import moments
from keras_gan.metrics.remembered import remembered
from keras_gan.metrics.sample_metric import SampleMetric
from keras_gan.metrics.values import check_finite

ROUNDING = 1e-6
EPSILON = np.finfo("float64").eps


def frechet_distance(real, fake):
    """Frechet distance of the Gaussians with the moments of two sets.

    `|m1 - m2|^2 + Tr S1 + Tr S2 - 2 Tr (S1 S2)^(1/2)`, in float64, with
    unbiased covariances. The root's trace is the sum of the roots of the
    eigenvalues of `S1^(1/2) S2 S1^(1/2)`, or of the singular values of
    `S1^(1/2) S2^(1/2)` where that matrix is not of full rank.

    Two samples of n rows from one Gaussian in d dimensions are about
    `d (d + 5) / (2 n)` apart: compare numbers of one n only, and take n well
    above d. `FrechetDistance` warns below it, this function does not.

    Args:
        real: float array `(n, d)`, n >= 2, or `Moments`.
        fake: float array `(m, d)`, m >= 2, or `Moments`.

    Returns:
        Float >= 0, in squared units of the features.

    Raises:
        ValueError: fewer than two rows, sizes that differ, NaN or infinity.
        ArithmeticError: the roots failed (a distance below zero).

    Example:
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(frechet_distance(x, x + [3.0, 0.0, 0.0]), 9)
    9.0

    Reference: Dowson & Landau 1982; Heusel et al., arXiv 1706.08500.
    """
    first, second = as_moments("real", real), as_moments("fake", fake)
    return distance(first, second)


def distance(first, second):
    """Frechet distance of two `Moments`."""
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            "`real` and `fake` must have as many features. Received: "
            f"{first.mean.shape[0]} and {second.mean.shape[0]}"
        )
    s1, s2 = first.covariance, second.covariance
    traces = np.trace(s1) + np.trace(s2)
    full = min(first.count, second.count) > len(first.mean)
    apart = np.sum(np.square(first.mean - second.mean))
    value = float(apart + traces - 2 * trace_of_root(s1, s2, full))
    if value < -ROUNDING * traces:
        raise ArithmeticError(
            f"The covariances have no root. Received: distance={value}"
        )
    return max(value, 0.0)


def as_moments(name, features):
    """Moments of an array; what are moments already stay."""
    found = features
    if not isinstance(features, Moments):
        found = moments(check_finite(name, features))
    if not found.count >= 2:
        raise ValueError(
            f"`{name}` must hold at least two samples. "
            f"Received: {name} of {int(found.count)}"
        )
    check_finite(name, found.scatter)
    return found


def trace_of_root(s1, s2, full_rank):
    """Trace of the root of the product of two covariances."""
    a = root(s1)
    if full_rank:
        product = a @ s2 @ a
        eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)
        if eigenvalues[0] > len(a) * EPSILON * eigenvalues[-1]:
            return np.sqrt(eigenvalues).sum()
    # Eigenvalues near zero have no digit that is right, their roots many.
    return np.linalg.svd(a @ root(s2), compute_uv=False).sum()


@remembered
def root(s):
    """Symmetric root of a covariance."""
    eigenvalues, vectors = np.linalg.eigh((s + s.T) / 2)
    return (vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T


@keras.saving.register_keras_serializable("keras_gan")
class FrechetDistance(SampleMetric):
    """Frechet distance of fakes to real samples, while they pass by.

    The number most papers report: low when fakes have the variety and the
    look of the real samples, in the eyes of `features`. It sees means and
    covariances only, and tells nothing about copying. `frechet_distance` has
    the formula and the bias. Memory does not grow with the number of
    samples.

    Args:
        features: Keras model, samples to features, or to any shape, which
            is flattened.
        name: string, the key in the logs.

    Call arguments:
        real: float tensor `(batch, ...)`, real samples.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a float, NaN where a feature was not finite.

    Raises:
        TypeError: `features` is no Keras model.
        ValueError: its output shape is not known; `result` of fewer than
            two samples.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> features = keras.Sequential(flat)
    >>> metric = FrechetDistance(features)
    >>> x = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    >>> metric.update_state(x, x + 1.0)
    >>> round(metric.result(), 5)
    4.0

    Reference: Heusel et al., arXiv 1706.08500.
    """

    def __init__(self, features, name="frechet_distance"):
        super().__init__(features, name)
        size = self.num_features
        self.real_state, self.fake_state = (
            [
                self.add_state((), f"{kind}_count"),
                self.add_state((size,), f"{kind}_mean"),
                self.add_state((size, size), f"{kind}_scatter"),
            ]
            for kind in ("real", "fake")
        )

    def add(self, real, fake):
        """Merges the moments of two batches of features."""
        for state, x in ((self.real_state, real), (self.fake_state, fake)):
            merged = merge(Moments(*state), batch_moments(x))
            for variable, value in zip(state, merged):
                variable.assign(value)

    def result(self):
        """The distance of all samples since the last reset."""
        real, fake = self.states()
        if not np.isfinite(real.scatter.sum() + fake.scatter.sum()):
            return float("nan")
        if min(real.count, fake.count) <= self.num_features:
            warnings.warn(
                f"{int(min(real.count, fake.count))} samples are few for a "
                f"covariance of {self.num_features} features: the distance "
                "is far too large, and comparable at this number only.",
                stacklevel=2,
            )
        real, fake = as_moments("real", real), as_moments("fake", fake)
        return distance(real, fake)

    def states(self):
        """NumPy `Moments` of the real samples and of the fakes."""
        return [
            Moments(*(ops.convert_to_numpy(v) for v in state))
            for state in (self.real_state, self.fake_state)
        ]

    def protocol(self):
        """What the number depends on."""
        real, fake = (int(state.count) for state in self.states())
        numbers = {"num_real": real, "num_fake": fake, "ddof": 1}
        return {**super().protocol(), **numbers}


def batch_moments(x):
    """Moments of a batch of features, as float64 tensors."""
    x = ops.cast(x, "float64")
    mean = ops.mean(x, axis=0)
    centred = x - mean
    count = ops.cast(ops.shape(x)[0], "float64")
    return Moments(count, mean, ops.matmul(ops.transpose(centred), centred))
