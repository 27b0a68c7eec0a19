"""Batch normalisation whose scale and shift belong to a class."""

import keras
from keras import ops

from keras_gan.checks import check_flag
from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.layers.adain import two_shapes


@keras.saving.register_keras_serializable("keras_gan")
class ConditionalBatchNormalization(keras.layers.Layer):
    """Batch normalisation with a scale and a shift for each class.

    Choose it in the generator of a conditional GAN. In a discriminator it
    couples samples, which gradient penalties do not allow for.

    `y = gamma[label] * (x - mean) / sqrt(variance + epsilon) + beta[label]`;
    mean and variance are shared by all classes, over all axes but the last,
    in float32 or wider. `gamma` starts at 1, `beta` at 0. A label that is no
    class gives NaN: loud, without a check on the host.

    Args:
        num_classes: integer >= 1.
        momentum: float in [0, 1], of the moving averages. Default 0.9.
        epsilon: float > 0, added to the variance. Default 1e-5.
        synchronized: whether replicas share mean and variance, so that N of
            them train as one does; free on one device. On several it rules
            out a penalty that runs the layer with `every` above 1, which
            False allows. Default True.

    Call arguments:
        inputs: list of `x`, float tensor `(batch, ..., channels)`, and
            `labels`, integers `(batch,)` or `(batch, 1)` in
            [0, num_classes).
        training: whether to use the statistics of the batch and to update
            the moving averages.

    Returns:
        Float tensor of the shape of `x`.

    Raises:
        TypeError, ValueError: an argument or an input does not fit.

    Example:
    >>> layer = ConditionalBatchNormalization(num_classes=10)
    >>> layer([ops.ones((2, 4, 4, 3)), ops.array([7, 0])]).shape
    TensorShape([2, 4, 4, 3])

    Reference: de Vries et al., arXiv 1707.00683; by class in GANs, Miyato &
    Koyama, arXiv 1802.05637.
    """

    couples_samples = True

    def __init__(
        self,
        num_classes,
        momentum=0.9,
        epsilon=1e-5,
        synchronized=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integer("num_classes", num_classes, minimum=1)
        check_number("momentum", momentum, minimum=0, maximum=1)
        check_number("epsilon", epsilon, minimum=1e-30)
        self.num_classes = num_classes
        self.momentum = momentum
        self.epsilon = epsilon
        check_flag("synchronized", synchronized)
        self.synchronized = synchronized
        self.wide = keras.backend.result_type(self.compute_dtype, "float32")
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum,
            epsilon=epsilon,
            center=False,
            scale=False,
            synchronized=synchronized,
            dtype=self.wide,
            name="normalization",
        )

    def build(self, input_shape):
        x_shape, labels_shape = two_shapes(self, input_shape)
        if len(x_shape) < 2 or x_shape[-1] is None:
            raise ValueError(
                "ConditionalBatchNormalization takes x of shape (batch, ..., "
                "channels), the channels known. "
                f"Received: x of shape={tuple(x_shape)}"
            )
        if labels_shape[1:] not in ((), (1,), [], [1]):
            raise ValueError(
                "`labels` must be of shape (batch,) or (batch, 1). "
                f"Received: labels of shape={tuple(labels_shape)}"
            )
        self.normalization.build(x_shape)
        self.gamma = self.table("gamma", "ones", x_shape[-1])
        self.beta = self.table("beta", "zeros", x_shape[-1])

    def table(self, name, initializer, channels):
        """One row of `channels` numbers for each class."""
        embedding = keras.layers.Embedding(
            self.num_classes,
            channels,
            embeddings_initializer=initializer,
            dtype=self.wide,
            name=name,
        )
        embedding.build()
        return embedding

    def call(self, inputs, training=False):
        x, labels = inputs
        check_floats("x", x)
        if not keras.backend.is_int_dtype(labels.dtype):
            raise TypeError(
                "`labels` must be integers. "
                f"Received: labels of dtype={labels.dtype}"
            )
        check_rows(x, labels)
        shape = (ops.shape(x)[0], *[1] * (len(x.shape) - 2))
        labels = ops.reshape(ops.cast(labels, "int32"), shape)
        is_class = (labels >= 0) & (labels < self.num_classes)
        row = ops.where(is_class, labels, 0)
        y = self.normalization(x, training=training)
        y = self.gamma(row) * y + self.beta(row)
        y = ops.where(is_class[..., None], y, float("nan"))
        return ops.cast(y, x.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
        }


def check_rows(x, labels):
    """Raises if there is not one label a sample, as far as sizes are known."""
    sizes = x.shape[0], labels.shape[0]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(
            "`labels` must hold one label for each sample of x. Received: "
            f"x of shape={tuple(x.shape)}, labels of "
            f"shape={tuple(labels.shape)}"
        )
