"""Inception score: how sure and how varied a classifier finds fakes."""

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_flag
from keras_gan.checks import check_integer
from keras_gan.metrics.classified import ClassifierMetric
from keras_gan.metrics.values import check_finite

# What sums of probabilities in float16 stay within.
ROUNDING = 1e-2


def inception_score(probabilities, num_splits=10):
    """How sure a classifier is of each sample, and how varied its answers.

    `exp(mean KL(p(y|x) || p(y)))`, where `p(y)` is the mean of `p(y|x)`:
    1 where all samples get one answer, `K` where the answers are certain and
    all classes as frequent. Taken of `num_splits` parts of the samples,
    then averaged; small parts make it smaller. It never sees real samples:
    one perfect picture of each class has the highest score.

    Args:
        probabilities: float array `(n, K)`, n >= num_splits, rows that sum
            to 1 within 0.01; they are divided by their sum.
        num_splits: integer >= 1. Sample `i` goes to part `i % num_splits`.

    Returns:
        Two floats: mean and standard deviation (of `num_splits`) of the
        score over the parts; the mean is in [1, K].

    Raises:
        ValueError: rows are no probabilities, NaN, too few samples.

    Example:
    >>> p = np.repeat(np.eye(4), 5, axis=0)
    >>> mean, deviation = inception_score(p, num_splits=5)
    >>> round(mean, 9), round(deviation, 9)
    (4.0, 0.0)

    Reference: Salimans et al., arXiv 1606.03498. Their parts are
    consecutive, which mistakes samples sorted by class for collapse.
    """
    check_integer("num_splits", num_splits, minimum=1)
    p = as_probabilities(check_finite("probabilities", probabilities))
    check_enough("probabilities", len(p), num_splits)
    parts = [p[start::num_splits] for start in range(num_splits)]
    return score(
        np.array([len(part) for part in parts]),
        np.array([part.sum(axis=0) for part in parts]),
        np.array([negative_entropy(part).sum() for part in parts]),
    )


def as_probabilities(p):
    """Rows divided by their sum, or an error."""
    sums = p.sum(axis=1)
    if len(p) and ((p < 0).any() or np.abs(sums - 1).max() > ROUNDING):
        raise ValueError(
            "`probabilities` must be >= 0 and have rows that sum to 1. "
            f"Received: values from {p.min()}, sums from {sums.min()} to "
            f"{sums.max()}"
        )
    return p / sums[:, None]


def check_enough(name, count, num_splits):
    """Raises unless each part has a sample."""
    if count < num_splits:
        raise ValueError(
            f"`{name}` must hold at least num_splits={num_splits} samples. "
            f"Received: {name} of {count}"
        )


def negative_entropy(p):
    """Sum of `p log p` over the last axis, with `0 log 0 = 0`."""
    return np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1)


def score(counts, sums, certainties):
    """Mean and deviation over parts.

    Args:
        counts: array `(s,)`, samples of each part.
        sums: float64 array `(s, K)`, sums of their probabilities.
        certainties: float64 array `(s,)`, sums of `p log p`.

    Returns:
        Two floats.
    """
    marginals = sums / counts[:, None]
    divergences = certainties / counts - negative_entropy(marginals)
    scores = np.exp(np.maximum(divergences, 0.0))
    return float(scores.mean()), float(scores.std())


def proper(p):
    """Rows of a tensor divided by their sum; NaN for no probabilities."""
    sums = ops.sum(p, axis=1, keepdims=True)
    near = ops.abs(sums - 1.0) <= ROUNDING
    fit = ops.logical_and(near, ops.all(p >= 0, axis=1, keepdims=True))
    return ops.where(fit, p / sums, float("nan"))


@keras.saving.register_keras_serializable("keras_gan")
class InceptionScore(ClassifierMetric):
    """How sure and how varied a classifier finds fakes.

    For comparison with papers, and where no real samples are at hand: it
    misses what `FrechetDistance` sees, such as one picture a class.
    `inception_score` has the formula. Real samples are not looked at. With
    a classifier other than the one of the papers it is a score of its own
    kind; its ceiling is the score of real samples.

    Args:
        classifier: Keras model, samples to logits `(batch, K)`.
        from_logits: boolean; False if the outputs are probabilities.
        num_splits: integer >= 1, parts that the score is averaged over.
        name: string, the key in the logs; `<name>_std` is the standard
            deviation over the parts.

    Call arguments:
        real: not used.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a dictionary of two floats.

    Raises:
        TypeError: an argument is of another type.
        ValueError: an argument is out of range; `result` of fewer than
            `num_splits` samples, or of outputs that are not finite or, with
            `from_logits=False`, no probabilities.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> metric = InceptionScore(keras.Sequential(flat), num_splits=1)
    >>> metric.update_state(None, 100.0 * np.eye(4, dtype="float32"))
    >>> metric.result()
    {'inception_score': 4.0, 'inception_score_std': 0.0}

    Reference: Salimans et al., arXiv 1606.03498; Barratt & Sharma, arXiv
    1801.01973, on its limits. We divide samples as `inception_score` does.
    """

    settings = ("from_logits", "num_splits")

    def __init__(
        self,
        classifier,
        from_logits=True,
        num_splits=10,
        name="inception_score",
    ):
        super().__init__(classifier, name)
        check_integer("num_splits", num_splits, minimum=1)
        check_flag("from_logits", from_logits)
        self.from_logits = bool(from_logits)
        self.num_splits = num_splits
        size = (num_splits, self.num_classes)
        self.counts = self.add_state((num_splits,), "counts")
        self.sums = self.add_state(size, "sums")
        self.certainties = self.add_state((num_splits,), "certainties")

    def update_state(self, real, fake, sample_weight=None):
        """Takes the answers to a batch of fakes.

        Args:
            real: not used; here for `GAN.evaluate`.
            fake: float tensor `(batch, ...)`.
            sample_weight: not used; here for Keras.
        """
        p = ops.cast(self.extract(fake), "float64")
        p = ops.softmax(p) if self.from_logits else proper(p)
        logs = ops.log(ops.where(p > 0, p, ops.ones_like(p)))
        before = ops.cast(ops.sum(self.counts), "int32")
        parts = (before + ops.arange(ops.shape(p)[0])) % self.num_splits
        for state, values in (
            (self.counts, ops.ones_like(p[:, 0])),
            (self.sums, p),
            (self.certainties, ops.sum(p * logs, axis=1)),
        ):
            summed = ops.segment_sum(values, parts, self.num_splits)
            state.assign_add(summed)

    def result(self):
        """Mean and deviation of the fakes since the last reset."""
        counts, sums, certainties = (
            ops.convert_to_numpy(v)
            for v in (self.counts, self.sums, self.certainties)
        )
        check_enough("fake", int(counts.sum()), self.num_splits)
        means = sums.sum(axis=1) / counts
        # Written so that NaN fails.
        if not np.abs(means - 1).max() <= ROUNDING:
            raise ValueError(
                "`classifier` must give finite outputs, and probabilities if "
                "from_logits=False. Received: other outputs, from_logits="
                f"{self.from_logits}"
            )
        mean, deviation = score(counts, sums, certainties)
        return {self.name: mean, f"{self.name}_std": deviation}

    def protocol(self):
        """What the number depends on."""
        num_fake = int(ops.convert_to_numpy(self.counts).sum())
        return {**super().protocol(), "num_fake": num_fake}
