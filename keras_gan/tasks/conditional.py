"""Samples of the class, or with the attributes, that one asks for."""

import keras

from keras_gan import players
from keras_gan.gan import GAN
from keras_gan.tasks import labels
from keras_gan.tasks.labelled import Labelled


@keras.saving.register_keras_serializable("keras_gan")
class ConditionalGAN(Labelled):
    """A GAN whose players both see the labels of the samples.

    Choose it where samples have classes or attributes: one model for all of
    them, and `generate` makes what is asked for. `fit` and `evaluate` take
    batches `(x, labels)`, or dicts with `"image"` and `"label"`. Fakes are
    drawn with the labels of the batch: row i of the fakes has the label of
    row i of the real samples, so that a relativistic loss pairs samples of
    one class.

        D sees (x, y) and (G(z, y), y) for y of the batch

    Args:
        generator: Keras model of two inputs, `[latents, labels]`, such as
            those of `keras_gan.architectures` with `num_classes`.
        discriminator: Keras model of two inputs, `[x, labels]`, to logits.
        num_classes: integer >= 2: labels are integers in [0, num_classes).
            None: labels are vectors of attributes, numbers `(batch, n)`; the
            players take them as floats.
        **kwargs: `latents`, `augment`, `ema_half_life`, `seed` and `name`, as
            for `GAN`.

    Call arguments:
        inputs: list of latents and labels, `(batch, 1)` or `(batch, n)`.

    Returns:
        Samples of the averaged generator.

    Raises:
        TypeError, ValueError: the players or an argument do not fit.

    Example:
    >>> from keras_gan import architectures
    >>> gan = ConditionalGAN(
    ...     *architectures.mlp((2,), 4, num_classes=3), num_classes=3, seed=0
    ... )
    >>> gan.generate([0, 2, 2, 1], seed=0).shape
    (4, 2)

    Reference: Mirza & Osindero, arXiv 1411.1784; by projection, Miyato &
    Koyama, arXiv 1802.05637. How labels enter is the players' affair.
    """

    constructor_arguments = (*GAN.constructor_arguments, "num_classes")

    def __init__(self, generator, discriminator, num_classes, **kwargs):
        players.check_players(generator, discriminator)
        self.check_conditions(generator, discriminator, num_classes)
        super().__init__(generator, discriminator, **kwargs)
        self.num_classes = num_classes

    def check_conditions(self, generator, discriminator, num_classes):
        """Raises unless the players take the labels they are given."""
        labels.spec_of(generator, discriminator, num_classes)

    @property
    def label_spec(self):
        """Symbolic labels, as the players take them."""
        return self.generator.inputs[1]

    def sample_inputs(self, n_or_labels, seed=None):
        """Latents, and the labels that are asked for."""
        condition = self.checked_labels("n_or_labels", n_or_labels)
        return [self.sample_latents(len(condition), seed), condition]

    def export(self, filepath, verbose=False):
        """Writes the averaged generator as a SavedModel for serving.

        As `GAN.export`, with labels: `serve(latents, labels)` and
        `generate(n, seed, truncation, labels)`, where labels are integers
        `(m,)` or attributes `(m, k)`. `generate` takes them in turn where m
        is below n.

        Args:
            filepath: string, the folder to write.
            verbose: whether Keras prints the endpoints.
        """
        super().export(filepath, verbose)
