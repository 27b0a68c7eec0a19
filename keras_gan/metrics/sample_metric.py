"""What the judges share: features of real samples and of fakes."""

import json
import math
import re
import weakref

import keras
import tensorflow as tf

from keras_gan.metrics.passes import sha256
from keras_gan.metrics.passes import shared_passes
from keras_gan.version import __version__

# Networks that came from files, by config and hash.
SHARED = weakref.WeakValueDictionary()


class SampleMetric(keras.metrics.Metric):
    """A number about samples, from the features a network finds in them.

    For `GAN.compile(metrics=[...])`: `evaluate` and `validation_data` feed
    it with batches of real samples and as many fakes of the averaged
    generator. Metrics that are given one network object share its passes, and
    the features of real samples are kept: an evaluation on the same data,
    as after each epoch, costs the passes of the fakes only (`Passes`).
    On several replicas each holds the samples of all. `result` does the
    heavy work, once an evaluation, outside the graph.

    Subclasses give `add(real, fake)`, which keeps two batches of features,
    and `result()`. They name in `settings` the constructor arguments, which
    are attributes of the same names, that the number depends on.

    Args:
        features: Keras model, samples to features; outputs of any rank are
            flattened to `(batch, d)`. It runs in inference mode, its weights
            are saved with the metric.
        name: string, the key in the logs.

    Raises:
        TypeError: `features` is no built Keras model.
    """

    settings = ()

    def __init__(self, features, name):
        super().__init__(name=name)
        check_network("features", features)
        self.features = features
        self.passes = shared_passes(features)

    @property
    def num_features(self):
        """Integer, length of one row of features."""
        return math.prod(self.features.output_shape[1:])

    @property
    def fixed_variables(self):
        """Variables of the network, to be saved with the model."""
        return self.features.variables

    def update_state(self, real, fake, sample_weight=None):
        """Takes the features of a batch of real samples and one of fakes.

        Args:
            real: float tensor `(batch, ...)`.
            fake: float tensor `(batch, ...)`.
            sample_weight: not used; here for Keras.
        """
        self.add(self.extract(real, real=True), self.extract(fake))

    def extract(self, x, real=False):
        """Features `(batch, d)` of all replicas' samples."""
        return gathered(self.passes(x, real))

    def reset_state(self):
        """Forgets all samples."""
        self.passes.reset()
        super().reset_state()

    def add_state(self, shape, name, dtype="float64"):
        """A variable of zeros that holds the same on each replica."""
        return self.add_variable(
            shape,
            "zeros",
            dtype=dtype,
            aggregation="only_first_replica",
            name=name,
        )

    def protocol(self):
        """Dictionary of what the number depends on, for reports."""
        return {
            "metric": type(self).__name__,
            "features": self.features.name,
            "features_sha256": sha256(self.features),
            "num_features": self.num_features,
            "keras_gan": __version__,
            **self.chosen(),
        }

    def chosen(self):
        """Dictionary of the `settings` and their values."""
        return {name: getattr(self, name) for name in self.settings}

    def get_config(self):
        """Constructor arguments, and what tells networks apart."""
        return {
            "features": keras.saving.serialize_keras_object(self.features),
            "features_sha256": sha256(self.features),
            "name": self.name,
            **self.chosen(),
        }

    @classmethod
    def from_config(cls, config):
        """The metric that `get_config` describes.

        Its network has the weights of its making until those of a file are
        loaded; metrics that shared one share it again.
        """
        config = dict(config)
        key = json.dumps([config["features"], config.pop("features_sha256")])
        # Keras numbers objects from their second appearance in a file on.
        key = re.sub(r', "shared_object_id": \d+', "", key)
        network = SHARED.get(key)
        if network is None:
            network = keras.saving.deserialize_keras_object(config["features"])
            SHARED[key] = network
        config.pop("features")
        return cls(network, **config)


def check_network(name, network):
    """Raises unless `network` is a Keras model with one output.

    Raises:
        TypeError: it is something else.
        ValueError: its output has a size that is not known.
    """
    if not isinstance(network, keras.Model):
        raise TypeError(
            f"`{name}` must be a Keras model that takes samples; "
            "`keras_gan.metrics.features` has some. "
            f"Received: {name}={network!r}"
        )
    shape = getattr(network, "output_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise ValueError(
            f"`{name}` must be a built model with one output whose shape is "
            f"known but for the batch. Received: {name} of output shape={shape}"
        )


def gathered(x):
    """The rows of all replicas, in their order, on each of them."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return x
    return context.all_gather(x, axis=0)
