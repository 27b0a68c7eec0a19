"""The average style, towards which samples are truncated."""

import keras
from keras import ops

from keras_gan.checks import check_number


@keras.saving.register_keras_serializable("keras_gan")
class MeanStyle(keras.layers.Layer):
    """Hands styles on unchanged and remembers their moving average.

    Choose it after the mapping network of a style-based generator. Samples
    near the average style look better and vary less: `truncate` moves styles
    there, and `keras_gan.GAN.generate` uses it for its `truncation`.

    In training `mean = decay * mean + (1 - decay) * (mean of the batch)`,
    once a call, from 0 on, in float32 or wider. Under `tf.distribute` the
    mean is that of the global batch.

    Args:
        decay: float in [0, 1]. Default 0.995: half of the average is from
            the last 138 steps.

    Call arguments:
        inputs: float tensor `(batch, ...)`, styles.
        training: whether to update the average.

    Returns:
        The styles as they came.

    Raises:
        TypeError, ValueError: `decay` is out of range.

    Example:
    >>> layer = MeanStyle(decay=0.5)
    >>> w = layer(ops.array([[2.0], [6.0]]), training=True)
    >>> layer.truncate(w, 0.5).numpy().tolist()
    [[2.0], [4.0]]

    Reference: Karras et al., arXiv 1812.04948, appendix B. The mean there is
    an expectation; the authors' code, as we do, follows it in training.
    """

    def __init__(self, decay=0.995, **kwargs):
        super().__init__(**kwargs)
        check_number("decay", decay, minimum=0, maximum=1)
        self.decay = decay

    def build(self, input_shape):
        self.mean = self.add_weight(
            shape=input_shape[1:],
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="mean",
            name="mean",
        )

    def call(self, inputs, training=False):
        if training:
            batch_mean = ops.mean(ops.cast(inputs, self.mean.dtype), axis=0)
            change = (1.0 - self.decay) * (batch_mean - self.mean)
            self.mean.assign(self.mean + change)
        return inputs

    def truncate(self, styles, truncation):
        """`mean + truncation * (styles - mean)`.

        Args:
            styles: float tensor `(batch, ...)`.
            truncation: number or scalar tensor; 1 changes nothing, 0 gives
                the average style.

        Returns:
            Float tensor of the shape and dtype of `styles`.
        """
        styles = ops.convert_to_tensor(styles)
        factor = ops.cast(truncation, self.mean.dtype)
        away = ops.cast(styles, self.mean.dtype) - self.mean
        return ops.cast(self.mean + factor * away, styles.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}
