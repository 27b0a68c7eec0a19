"""What a trained model is asked for: samples, and a generator to serve."""

import keras
import numpy as np

from keras_gan import serving
from keras_gan.checks import check_flag
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.truncation import predict


class Sampled(keras.Model):
    """A model with a generator, its average and a latent sampler."""

    def generate(
        self,
        n_or_labels,
        seed=None,
        truncation=1.0,
        averaged=True,
        batch_size=256,
    ):
        """Draws samples.

        Args:
            n_or_labels: integer >= 1, how many. Conditional models take the
                labels of the samples instead.
            seed: integer; the same seed gives the same samples. None: the
                next draw of the model. Training is not affected by either.
            truncation: float >= 0; below 1 samples come closer to the
                average one, with less variety. A factor on the latents, on
                their noise where they hold codes, or on the styles' distance
                from their mean in a generator that has styles.
            averaged: whether the averaged generator makes them.
            batch_size: integer >= 1, samples made at once. Another number
                changes them by no more than rounding, unless a layer of the
                generator couples samples, as `MinibatchStd` does, or draws.

        Returns:
            float32 NumPy array `(n, ...)` in the range of the data.

        Raises:
            TypeError: an argument is no number.
            ValueError: an argument is out of range.
        """
        check_integer("batch_size", batch_size, minimum=1)
        check_number("truncation", truncation, minimum=0)
        check_flag("averaged", averaged)
        inputs = self.sample_inputs(n_or_labels, seed)
        player = self.averaged_generator if averaged else self.generator
        num_codes = getattr(self.latents, "num_codes", 0)
        samples = predict(player, inputs, truncation, batch_size, num_codes)
        return samples.astype("float32")

    def sample_inputs(self, n_or_labels, seed=None):
        """What the generator is given for samples that are asked for."""
        check_integer("n_or_labels", n_or_labels, minimum=1)
        return self.sample_latents(int(n_or_labels), seed)

    def sample_latents(self, n, seed=None):
        """The latents that `generate` uses, `(n, *latent_shape)`."""
        if seed is None:
            seed = self.sampling_seed_generator
        else:
            check_integer("seed", seed, minimum=0)
            seed = int(seed)
        return self.latents(n, seed)

    def export(self, filepath, verbose=False):
        """Writes the averaged generator as a SavedModel for serving.

        It loads with plain TensorFlow, without Keras and this package, and
        has two endpoints: `serve(latents)`, and `generate(n, seed,
        truncation)` with two integers and a float, which gives what
        `gan.generate(n, seed, truncation)` gives.

        Args:
            filepath: string, the folder to write.
            verbose: whether Keras prints the endpoints.
        """
        serving.export(
            self.averaged_generator,
            self.latents,
            filepath,
            verbose,
            self.as_condition,
            self.endpoints(),
        )

    def as_condition(self, y):
        """Labels as the generator takes them; plain models take none."""
        return None

    def single(self, x):
        """Samples one by one, of those that the discriminator is shown."""
        return x

    def endpoints(self):
        """What `export` writes beside `serve` and `generate`.

        Returns:
            Dictionary from a name to the model that the endpoint runs, its
            function and its signature.
        """
        return {}


def wanted(gan, count, labels=None):
    """What `generate` is asked for `count` samples: labels in turn, if any.

    Raises:
        ValueError: the model takes no labels and is given some, or takes
            attributes.
    """
    if takes_attributes(gan):
        raise ValueError(
            "The model takes attributes, of which there is no list to take "
            "in turn: call its `generate` with an array of them. "
            f"Received: labels={labels} for {type(gan).__name__}"
        )
    classes = getattr(gan, "num_classes", None)
    classes = classes if getattr(gan, "takes_labels", True) else None
    if classes is None and labels is not None:
        raise ValueError(
            "The model takes no labels. "
            f"Received: labels={labels} for {type(gan).__name__}"
        )
    if classes is None:
        return count
    return np.resize(np.arange(classes) if labels is None else labels, count)


def takes_attributes(gan):
    """Whether a model is asked for vectors of attributes."""
    return getattr(gan, "num_classes", 0) is None


def conditions(gan, labels=None, name="labels"):
    """Labels as the generator takes them, if it takes any.

    Args:
        gan: `keras_gan.GAN`.
        labels: array-like, one label a sample, or rows of attributes. None:
            all classes.
        name: name of the argument, for the message.

    Returns:
        Array `(n, 1)` or `(n, attributes)`; None if the generator takes
        latents only.

    Raises:
        TypeError, ValueError: the labels do not fit, or attributes are
            missing.
    """
    if len(getattr(gan.generator, "inputs", None) or ()) < 2:
        if labels is not None:
            raise ValueError(
                "The model takes no labels. "
                f"Received: {name}={labels!r} for {type(gan).__name__}"
            )
        return None
    if labels is None and takes_attributes(gan):
        raise ValueError(
            f"`{name}` must be given for a model of attributes, one row a "
            f"sample. Received: {name}=None"
        )
    labels = np.arange(gan.num_classes) if labels is None else labels
    return gan.checked_labels(name, labels)
