"""Metrics that need the features themselves, not their moments."""

from keras import ops

from keras_gan.checks import check_integer
from keras_gan.metrics.sample_metric import SampleMetric


class CollectedFeatures(SampleMetric):
    """Keeps the first `num_samples` rows of features of each kind.

    Subclasses give `compare(real, fake)`, which takes two float64 NumPy
    arrays and gives a number or a dictionary of numbers.

    Args:
        features: Keras model, samples to features.
        num_samples: integer >= 2, rows kept; later ones are left out.
        name: string, the key in the logs.
    """

    def __init__(self, features, num_samples, name):
        super().__init__(features, name)
        check_integer("num_samples", num_samples, minimum=2)
        self.num_samples = num_samples
        self.rows, self.counts = {}, {}
        for kind in ("real", "fake"):
            # One row more: where the samples beyond the last go.
            shape = (num_samples + 1, self.num_features)
            self.rows[kind] = self.add_state(shape, f"{kind}_rows", "float32")
            self.counts[kind] = self.add_state((), f"{kind}_count", "int32")

    def add(self, real, fake):
        """Appends two batches of features."""
        for kind, x in (("real", real), ("fake", fake)):
            rows, count = self.rows[kind], self.counts[kind]
            after = count + ops.shape(x)[0]
            places = ops.minimum(ops.arange(count, after), self.num_samples)
            rows.assign(ops.scatter_update(rows, places[:, None], x))
            count.assign(ops.minimum(after, self.num_samples))

    def num_collected(self, kind):
        """Integer, rows of one kind."""
        return int(ops.convert_to_numpy(self.counts[kind]))

    def collected(self, kind):
        """The features of one kind, float64 `(n, d)`."""
        count = self.num_collected(kind)
        return ops.convert_to_numpy(self.rows[kind])[:count].astype("float64")

    def result(self):
        """What `compare` says of the samples since the last reset."""
        return self.compare(self.collected("real"), self.collected("fake"))

    def protocol(self):
        """What the number depends on."""
        numbers = {f"num_{k}": self.num_collected(k) for k in self.counts}
        return {**super().protocol(), **numbers}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "num_samples": self.num_samples}
