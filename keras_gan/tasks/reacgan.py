"""ACGAN by distances to samples and to classes."""

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.replicas import gathered
from keras_gan.tasks.acgan import ACGAN
from keras_gan.tasks.heads import with_heads


@keras.saving.register_keras_serializable("keras_gan")
class ReACGAN(ACGAN):
    """ACGAN whose classifier neither blows up nor forgets variety.

    Choose it in place of `ACGAN` where there are many classes or samples of
    a class become alike. Features are projected to unit vectors `h`; each
    class has a unit vector `v`, its proxy. The loss, data-to-data
    cross-entropy, takes both the proxy and all samples of other classes in
    the batch, with margins that let easy samples go:

        P_i = exp(min(h_i.v_yi - m, 0) / t)
        L_i = -log(P_i / (P_i + sum over j, y_j != y_i of
                          exp(max(h_i.h_j - (1 - m), 0) / t)))

    The discriminator adds its weight times L of real samples, the generator
    that of fakes. On several replicas `j` runs over the global batch.

    Args:
        generator: Keras model of two inputs, `[latents, labels]`.
        discriminator: Keras model of samples, or of samples and labels, to
            logits, as for `ACGAN`; or one of three outputs, logits, `h` and
            the dot products with the proxies.
        num_classes: integer >= 2.
        classification_weight: float >= 0. Default 0.5.
        fake_term: whether the discriminator adds L of fakes too.
        embedding_dim: integer >= 1, length of `h`. Default 512.
        margin: float in [0, 1], `m`. Default 0.98.
        temperature: float > 0, `t`. Default 0.5.
        **kwargs: as for `ConditionalGAN`.

    Raises:
        TypeError, ValueError: the players or an argument do not fit.

    Example:
    >>> from keras_gan import architectures
    >>> generator, _ = architectures.mlp((2,), 4, num_classes=3)
    >>> _, discriminator = architectures.mlp((2,))
    >>> gan = ReACGAN(generator, discriminator, 3, embedding_dim=8, seed=0)
    >>> gan.classify(gan.generate([0, 2, 2, 1], seed=0)).shape
    (4, 3)

    Reference: Kang et al., arXiv 2111.01118. The authors' code shifts the
    negatives by the row's maximum and so gives another value.
    """

    constructor_arguments = (
        *ACGAN.constructor_arguments,
        "embedding_dim",
        "margin",
        "temperature",
    )

    def __init__(
        self,
        generator,
        discriminator,
        num_classes,
        classification_weight=0.5,
        fake_term=False,
        embedding_dim=512,
        margin=0.98,
        temperature=0.5,
        **kwargs,
    ):
        check_integer("embedding_dim", embedding_dim, minimum=1)
        check_number("margin", margin, minimum=0, maximum=1)
        check_number("temperature", temperature, minimum=1e-3)
        self._embedding_dim = embedding_dim
        super().__init__(
            generator,
            discriminator,
            num_classes,
            classification_weight,
            fake_term,
            **kwargs,
        )
        self.embedding_dim = embedding_dim
        self.margin = margin
        self.temperature = temperature

    def with_classes(self, discriminator, num_classes):
        """The discriminator with unit vectors and their proxies."""
        size = self._embedding_dim

        def heads(logits, features, head):
            h = head(features, size, name="projection")
            h = keras.layers.UnitNormalization(dtype="float32")(h)
            return [logits, h, Proxies(num_classes, dtype="float32")(h)]

        shapes = [(1,), (size,), (num_classes,)]
        return with_heads(discriminator, heads, shapes, labels=True)

    def class_logits(self, outputs):
        """The cosines with the proxies over the temperature, in float32."""
        return ops.cast(outputs[2], "float32") / self.temperature

    def class_loss(self, half, x):
        """Data-to-data cross-entropy of samples, `(batch,)`."""
        _, h, cosines = (ops.cast(y, "float32") for y in half.outputs(x))
        labels = ops.reshape(half.condition, (-1,))
        return data_to_data(h, cosines, labels, self.margin, self.temperature)


@keras.saving.register_keras_serializable("keras_gan")
class Proxies(keras.layers.Layer):
    """Dot products with one unit vector a class.

    Args:
        num_classes: integer >= 1.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, n)` of unit vectors.

    Returns:
        Float tensor `(batch, num_classes)` in [-1, 1].
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.num_classes),
            initializer="orthogonal",
            name="kernel",
        )

    def call(self, inputs):
        return ops.matmul(inputs, ops.normalize(self.kernel, axis=0))

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def data_to_data(h, cosines, labels, margin, temperature):
    """Data-to-data cross-entropy, by the formula in `ReACGAN`.

    Args:
        h: float tensor `(batch, n)` of unit vectors.
        cosines: float tensor `(batch, num_classes)`, with the proxies.
        labels: integer tensor `(batch,)`.
        margin: float, `m`.
        temperature: float, `t`.

    Returns:
        Float tensor `(batch,)`.
    """
    everyone, classes = gathered(h), gathered(labels)
    own = ops.take_along_axis(cosines, labels[:, None], axis=1)
    own = ops.minimum(own - margin, 0.0) / temperature
    others = ops.matmul(h, ops.transpose(everyone)) - (1.0 - margin)
    others = ops.maximum(others, 0.0) / temperature
    apart = ops.not_equal(labels[:, None], classes[None])
    others = ops.where(apart, others, -np.inf)
    return (
        ops.logsumexp(ops.concatenate([own, others], axis=1), axis=1)
        - own[:, 0]
    )
