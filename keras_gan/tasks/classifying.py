"""A discriminator that tells classes apart, for those who ask."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_gan import players
from keras_gan.checks import check_integer
from keras_gan.gan import GAN
from keras_gan.truncation import run


class Classifying(GAN):
    """A GAN whose discriminator has class logits among its outputs.

    A subclass says which by `class_logits(outputs)`.
    """

    task_logs = ("accuracy",)

    def discriminator_inputs(self, x, condition):
        """Samples; labels too where a part of the discriminator takes them."""
        if len(self.discriminator.inputs) == 1:
            return x
        return super().discriminator_inputs(x, condition)

    def class_inputs(self, x, labels):
        """Samples to classify; labels, if taken, are not looked at."""
        return x if len(self.discriminator.inputs) == 1 else [x, labels]

    def class_logits(self, outputs):
        """The logits of the classes in float32, `(batch, num_classes)`."""
        return ops.cast(outputs[1], "float32")

    def track(self, outputs, condition):
        """Logs the share of real samples whose class is found."""
        labels = ops.reshape(condition, (-1,))
        found = ops.argmax(self.class_logits(outputs), axis=-1)
        right = ops.cast(
            ops.equal(ops.cast(found, labels.dtype), labels), "float32"
        )
        known = ops.cast(labels >= 0, "float32")
        self.trackers.update({"accuracy": right}, known)

    def class_loss(self, half, x):
        """Cross-entropy of the class logits of samples, `(batch,)`."""
        logits = self.class_logits(half.outputs(x))
        labels = ops.maximum(ops.reshape(half.condition, (-1,)), 0)
        return keras.losses.sparse_categorical_crossentropy(
            labels, logits, from_logits=True
        )

    def classify(self, x, batch_size=256):
        """Probabilities of the classes, as the discriminator sees them.

        Args:
            x: float array `(n, ...)`, samples in the range of the data.
            batch_size: integer >= 1, samples looked at at once.

        Returns:
            Float32 NumPy array `(n, num_classes)`; `argmax(axis=1)` gives
            the classes.

        Raises:
            ValueError: samples of another shape or dtype.
        """
        check_integer("batch_size", batch_size, minimum=1)
        x = np.asarray(x)
        players.check_real(x, self._fake_spec)
        no_labels = np.zeros((len(x), 1), "int32")
        inputs = self.class_inputs(x.astype("float32"), no_labels)
        outputs = run(self.discriminator, inputs, batch_size)
        logits = np.asarray(self.class_logits(outputs), "float32")
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def endpoints(self):
        """Adds `classify(x)` to what `export` writes."""

        def classify(x):
            no_labels = ops.zeros((ops.shape(x)[0], 1), "int32")
            inputs = self.class_inputs(x, no_labels)
            outputs = self.discriminator(inputs, training=False)
            return ops.softmax(ops.cast(self.class_logits(outputs), "float32"))

        spec = tf.TensorSpec((None, *self.sample_shape), "float32", "x")
        return {"classify": (self.discriminator, classify, [spec])}
