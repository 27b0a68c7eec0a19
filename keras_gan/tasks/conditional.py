"""Samples of the class, or with the attributes, that one asks for."""

import keras

from keras_gan import players
from keras_gan import serving
from keras_gan.distribution import as_tuple
from keras_gan.gan import GAN
from keras_gan.tasks import labels


@keras.saving.register_keras_serializable("keras_gan")
class ConditionalGAN(GAN):
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

    def given_data(self, function, args, kwargs):
        """Arguments of `fit` or `evaluate`, labels looked at."""
        given = super().given_data(function, args, kwargs)
        self.check_given(given.get("x"), "y", given.get("y"))
        x, y, *_ = (*as_tuple(given.get("validation_data")), None)
        self.check_given(x, "y of validation_data", y)
        return given

    def check_given(self, x, name, y):
        """Raises if labels at hand are not those of the model."""
        names = getattr(x, "class_names", None)
        if names and self.num_classes and len(names) > self.num_classes:
            raise ValueError(
                f"The data has {len(names)} classes, more than the model. "
                f"Received: num_classes={self.num_classes}"
            )
        if y is not None:
            self.checked_labels(name, y)

    def checked_labels(self, name, y):
        """Labels as NumPy, as the generator takes them, or an error."""
        spec = self.generator.inputs[1]
        return labels.checked(name, y, spec, self.num_classes)

    def as_condition(self, y):
        """Labels of a batch as the players take them."""
        spec = self.generator.inputs[1]
        return labels.as_condition(y, spec, self.num_classes)

    def split_batch(self, data):
        """Real samples and their labels."""
        real, _ = super().split_batch(data)
        return real, self.as_condition(players.given_labels(data))

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
        serving.export(
            self.averaged_generator,
            self.latents,
            filepath,
            verbose,
            self.as_condition,
        )
