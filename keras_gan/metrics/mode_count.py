"""How many modes of the data a generator finds."""

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.metrics.classified import ClassifierMetric
from keras_gan.metrics.classified import integers
from keras_gan.metrics.classified import read_counts
from keras_gan.metrics.values import check_finite

REACH = 3


def mode_count(labels, num_modes):
    """Number of modes that samples belong to, and how evenly.

    A mode is found if one sample belongs to it. The second number is
    `KL(share || uniform)`, sum of `share * ln(share * num_modes)`: 0 where
    all modes are as frequent, `ln(num_modes)` where there is one. A perfect
    sampler has about `(num_modes - 1) / (2 n)`: the floor.

    Args:
        labels: integer array `(n,)` in [0, num_modes), the modes of samples.
        num_modes: integer >= 1.

    Returns:
        An integer and a float: modes found, divergence in nats.

    Raises:
        TypeError: `labels` are no integers.
        ValueError: labels out of range, or none.

    Example:
    >>> modes, divergence = mode_count([0, 0, 3, 3], num_modes=4)
    >>> modes, round(divergence, 6)
    (2, 0.693147)

    Reference: Metz et al., arXiv 1611.02163; Lin et al., arXiv 1712.04086.
    """
    check_integer("num_modes", num_modes, minimum=1)
    labels = integers("labels", labels, num_modes)
    return of_counts(np.bincount(labels, minlength=num_modes))


def of_counts(counts):
    """Modes found and divergence, of the samples of each mode."""
    shares = counts / counts.sum()
    uniform = np.full(len(shares), 1 / len(shares))
    return int((counts > 0).sum()), divergence(shares, uniform)


def divergence(p, q):
    """Kullback-Leibler divergence in nats, with `0 log 0 = 0`."""
    some = p > 0
    terms = p[some] * np.log(p[some] / q[some])
    return max(float(terms.sum()), 0.0)


def modes_of_mixture(points, centres, deviation):
    """Modes that points find of a mixture of equal, round Gaussians.

    For the ring, the grid and other toys. A point is good if it is less
    than three deviations away from its nearest centre, and belongs to that
    mode; a mode is found if a good point belongs to it.

    Args:
        points: float array `(n, d)`, n >= 1.
        centres: float array `(K, d)`, means of the Gaussians.
        deviation: float > 0, their standard deviation along each axis.

    Returns:
        Dictionary: `modes`, integer; `good_share`, float, share of points
        that are good; `js_divergence`, float in [0, ln 2], Jensen-Shannon
        divergence in nats of the shares of the modes among good points to
        the uniform one, ln 2 where no point is good.

    Raises:
        TypeError: `deviation` is no number.
        ValueError: sizes that differ, no points, NaN or infinity.

    Example:
    >>> points = np.array([[0.0, 0.1], [0.2, 0.0], [0.5, 0.0], [1.0, 0.0]])
    >>> found = modes_of_mixture(points, [[0, 0], [1, 0], [2, 0]], 0.1)
    >>> found["modes"], found["good_share"]
    (2, 0.75)

    Reference: Lin et al., arXiv 1712.04086, and their code's measures. In
    two dimensions 1.1 % of a perfect sampler's points are not good.
    """
    check_number("deviation", deviation, minimum=0)
    if not deviation:
        raise ValueError(
            f"`deviation` must be > 0. Received: deviation={deviation}"
        )
    points, centres = check_points(points, centres)
    nearest, distances = nearest_centres(points, centres)
    good = distances < REACH * deviation
    counts = np.bincount(nearest[good], minlength=len(centres))
    return {
        "modes": int((counts > 0).sum()),
        "good_share": float(good.mean()),
        "js_divergence": to_uniform(counts),
    }


def check_points(points, centres):
    """Both as float64 arrays of as many columns, or an error."""
    found = []
    for name, x in (("points", points), ("centres", centres)):
        found.append(check_finite(name, x))
        if not len(found[-1]):
            raise ValueError(
                f"`{name}` must hold at least one row. "
                f"Received: {name} of shape={found[-1].shape}"
            )
    if found[0].shape[1] != found[1].shape[1]:
        raise ValueError(
            "`points` and `centres` must have as many dimensions. "
            f"Received: {found[0].shape[1]} and {found[1].shape[1]}"
        )
    return found


def nearest_centres(points, centres):
    """Index of each point's nearest centre, and the distance to it."""
    nearest = np.zeros(len(points), "int64")
    distances = np.full(len(points), np.inf)
    for index, centre in enumerate(centres):
        away = np.sqrt(np.square(points - centre).sum(axis=1))
        nearer = away < distances
        nearest[nearer], distances[nearer] = index, away[nearer]
    return nearest, distances


def to_uniform(counts):
    """Jensen-Shannon divergence of counts to as many of each, in nats."""
    if not counts.sum():
        return float(np.log(2))
    shares = counts / counts.sum()
    uniform = np.full(len(shares), 1 / len(shares))
    middle = (shares + uniform) / 2
    return (divergence(shares, middle) + divergence(uniform, middle)) / 2


@keras.saving.register_keras_serializable("keras_gan")
class ModeCount(ClassifierMetric):
    """How many classes a classifier finds among fakes, and how evenly.

    The measure of mode collapse on Stacked-MNIST: a classifier of digits on
    each of three channels gives `(batch, 3, 10)`, whose 1,000 combinations
    are the modes. `mode_count` has the definition and the floor; both
    numbers depend on how many fakes there are. Real samples are not looked
    at.

    Args:
        classifier: Keras model, samples to logits or probabilities
            `(batch, K)`, of K modes, or `(batch, c, K)`, of `K ** c`.
        name: string, the key in the logs; `<name>_kl` is the divergence.

    Call arguments:
        real: not used.
        fake: float tensor `(batch, ...)`, fakes.

    Returns:
        `result()` is a dictionary of an integer and a float.

    Raises:
        TypeError: `classifier` is no Keras model.
        ValueError: its output has another shape; `result` of no samples or
            of outputs that are not finite.

    Example:
    >>> flat = [keras.Input((4,)), keras.layers.Flatten()]
    >>> metric = ModeCount(keras.Sequential(flat))
    >>> metric.update_state(None, np.eye(4, dtype="float32"))
    >>> metric.result()
    {'mode_count': 4, 'mode_count_kl': 0.0}

    Reference: Metz et al., arXiv 1611.02163; Lin et al., arXiv 1712.04086,
    with 26,000 fakes.
    """

    stacked = True

    def __init__(self, classifier, name="mode_count"):
        super().__init__(classifier, name)
        self.counts = self.add_state((self.num_classes,), "counts")

    def update_state(self, real, fake, sample_weight=None):
        """Counts the modes of a batch of fakes.

        Args:
            real: not used; here for `GAN.evaluate`.
            fake: float tensor `(batch, ...)`.
            sample_weight: not used; here for Keras.
        """
        self.add_counts(self.counts, self.extract(fake))

    def result(self):
        """Modes and divergence of the fakes since the last reset."""
        modes, value = of_counts(read_counts("fake", self.counts))
        return {self.name: modes, f"{self.name}_kl": value}

    def protocol(self):
        """What the number depends on."""
        return {
            **super().protocol(),
            "num_fake": int(ops.convert_to_numpy(self.counts).sum()),
        }
