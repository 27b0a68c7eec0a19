"""A penalty on classes that change where they should not."""

import keras
from keras import ops

from keras_gan.checks import check_number
from keras_gan.penalties.consistency import Transforming
from keras_gan.penalties.penalty import from_step


@keras.saving.register_keras_serializable("keras_gan")
class ClassConsistency(Transforming):
    """The same class for a sample and for its transformed copy.

    `weight * -log p(y | T(real))`, p by the discriminator's class logits. `y`
    is the label; where that is missing, -1, it is what the discriminator
    takes `real` itself for, if it is sure: `max p(. | real) >= confidence`,
    else the sample counts 0. No gradient flows through the guess. Choose it
    for `SemiSupervisedGAN`, where labels are few; with all labels known it is
    a classifier's usual augmentation.

    Args:
        weight: float >= 0 or schedule.
        confidence: float in [0, 1], how sure a guess must be.
        transform: Keras layer or registered function, samples to samples, that
            leaves the class as it is. None: a random flip and shift by up to
            1/8 with reflection, each image by its own draw; images only.
        every: integer >= 1, see `Penalty`.
        name: key of the logged value.

    Raises:
        TypeError: `transform` is no callable; the model has no classes.
        ValueError: an argument is out of range; no `transform` for samples
            that are no images.

    Example:
    >>> ClassConsistency(confidence=0.8).confidence
    0.8

    Reference: pseudo-labels of sure samples, Sohn et al., arXiv 2001.07685,
    where the guess is that of a slightly transformed sample; consistency in
    a semi-supervised GAN, Chen et al., arXiv 2007.03844.
    """

    # The layer of the logits beside the classes is left alone.
    reaches_all = False
    generates = False

    def __init__(
        self,
        weight=1.0,
        confidence=0.9,
        transform=None,
        every=1,
        name="class_consistency",
    ):
        super().__init__(weight, transform, every, name)
        check_number("confidence", confidence, minimum=0, maximum=1)
        self.confidence = confidence

    def __call__(self, discriminate, real, fake):
        """The penalty of each real sample."""
        class_logits = from_step(discriminate, "class_logits", self)
        guess = ops.stop_gradient(ops.softmax(class_logits(real)))
        labels = ops.reshape(discriminate.condition, (-1,))
        known = labels >= 0
        guessed = ops.cast(ops.argmax(guess, axis=-1), labels.dtype)
        counts = known | (ops.max(guess, axis=-1) >= self.confidence)
        loss = keras.losses.sparse_categorical_crossentropy(
            ops.where(known, labels, guessed),
            class_logits(self.transformed(real)),
            from_logits=True,
        )
        return self.factor * ops.where(counts, loss, 0.0)

    def get_config(self):
        """Constructor arguments, serialised."""
        return {**super().get_config(), "confidence": self.confidence}
