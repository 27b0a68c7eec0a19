"""How close a sample is to the others of its batch, as further features."""

import keras
from keras import ops

from keras_gan.checks import check_floats
from keras_gan.checks import check_integer
from keras_gan.replicas import gathered
from keras_gan.replicas import own_rows


@keras.saving.register_keras_serializable("keras_gan")
class MinibatchDiscrimination(keras.layers.Layer):
    """Appends to each sample how close the rest of the batch is to it.

    Choose it against mode collapse, before the last layer of a
    discriminator; `MinibatchStd` is cheaper and has no weights.

    `o[i, b] = sum over j != i of exp(-||M[i, b] - M[j, b]||_1)`, where
    `M[i] = x[i] T` holds `num_kernels` rows of `kernel_dim` numbers, in
    float32 or wider. A batch of one gives 0. Memory grows as
    `batch^2 * num_kernels * kernel_dim`.

    It couples samples: gradients of one logit reach all samples. Under
    `tf.distribute` they are those of the global batch.

    Args:
        num_kernels: integer >= 1, features appended. Default 100.
        kernel_dim: integer >= 1, length of the rows compared. Default 5.

    Call arguments:
        inputs: float tensor `(batch, features)`.

    Returns:
        Float tensor `(batch, features + num_kernels)`; the appended ones are
        in [0, batch - 1].

    Raises:
        TypeError, ValueError: an argument or the input does not fit.

    Example:
    >>> layer = MinibatchDiscrimination(num_kernels=2, kernel_dim=3)
    >>> layer(ops.ones((4, 1)))[:, 1:].numpy().tolist()[0]
    [3.0, 3.0]

    Reference: Salimans et al., arXiv 1606.03498, section 3.2. The formula
    there sums over all j, which adds 1 throughout; the authors' code leaves
    out j = i as we do, and adds a bias that the next layer has anyway.
    """

    couples_samples = True

    def __init__(self, num_kernels=100, kernel_dim=5, **kwargs):
        super().__init__(**kwargs)
        check_integer("num_kernels", num_kernels, minimum=1)
        check_integer("kernel_dim", kernel_dim, minimum=1)
        self.num_kernels = num_kernels
        self.kernel_dim = kernel_dim

    def build(self, input_shape):
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                "MinibatchDiscrimination takes (batch, features); put a "
                "Flatten layer before it. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.num_kernels * self.kernel_dim),
            initializer="glorot_uniform",
            autocast=False,
            name="kernel",
        )

    def call(self, inputs):
        check_floats("inputs", inputs)
        wide = keras.backend.result_type(inputs.dtype, "float32")
        rows = ops.matmul(ops.cast(inputs, wide), self.kernel)
        rows = ops.reshape(rows, (-1, self.num_kernels, self.kernel_dim))
        everyone = gathered(rows)
        distance = ops.sum(ops.abs(rows[:, None] - everyone[None]), axis=-1)
        index = ops.arange(ops.shape(everyone)[0])
        other = ops.cast(own_rows(index)[:, None] != index[None], wide)
        closeness = ops.sum(ops.exp(-distance) * other[..., None], axis=1)
        closeness = ops.cast(closeness, inputs.dtype)
        return ops.concatenate([inputs, closeness], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.num_kernels)

    def get_config(self):
        return {
            **super().get_config(),
            "num_kernels": self.num_kernels,
            "kernel_dim": self.kernel_dim,
        }
