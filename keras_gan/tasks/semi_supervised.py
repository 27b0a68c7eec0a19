"""A classifier that learns from few labels and many samples."""

import keras
from keras import ops

from keras_gan import players
from keras_gan.checks import check_flag
from keras_gan.checks import check_number
from keras_gan.replicas import global_mean
from keras_gan.replicas import global_row_mean
from keras_gan.tasks import labels
from keras_gan.tasks.classifying import Classifying
from keras_gan.tasks.heads import with_heads
from keras_gan.tasks.labelled import Labelled


@keras.saving.register_keras_serializable("keras_gan")
class SemiSupervisedGAN(Classifying, Labelled):
    """A GAN whose discriminator learns classes from few labels.

    Choose it where samples are many and labels are few: the result is the
    classifier, `classify`. `fit` takes batches `(x, labels)`; a label of -1
    means unlabelled. The generator takes latents only. Class logits l, on the
    features of the discriminator's last layer, give the adversarial logit:

        d(x) = logsumexp(l_1..l_K)              K outputs
        d(x) = logsumexp(l_1..l_K) - l_(K+1)    K + 1, the last one for fakes
        D adds  weight * mean over labelled x of -log softmax(l_1..l_K)[y]
        G minimises  ||mean features(x) - mean features(G(z))||^2

    Logs: `d_class_loss`, `accuracy` (of the labelled samples); `evaluate` and
    `val_g_loss` give the adversarial loss, whatever the generator minimises.
    Batches where few rows are labelled learn slowly: repeat labelled rows in
    the data, as `keras_gan.datasets.few_labels` does.

    Args:
        generator: Keras model, latents to samples.
        discriminator: Keras model of one input whose last layer is dense, and
            is replaced; or a model of two outputs, features and class logits.
        num_classes: integer >= 2, K.
        classification_weight: float >= 0. Default 1.
        feature_matching: whether the generator matches features, which makes
            the better classifier; else it minimises the adversarial loss,
            which makes the better samples.
        fake_class: whether there are K + 1 outputs.
        **kwargs: `latents`, `augment`, `ema_half_life`, `seed` and `name`, as
            for `GAN`.

    Raises:
        TypeError, ValueError: the players or an argument do not fit.

    Example:
    >>> from keras_gan import architectures
    >>> players = architectures.mlp((2,), 4)
    >>> gan = SemiSupervisedGAN(*players, num_classes=3, seed=0)
    >>> gan.classify(gan.generate(4, seed=0)).shape
    (4, 3)

    Reference: Salimans et al., arXiv 1606.03498; Odena, arXiv 1606.01583.
    There the term of real samples is that of unlabelled ones; here labelled
    ones count as real too.
    """

    task_losses = ("d_class_loss",)
    smallest_label = -1
    takes_labels = False
    constructor_arguments = (
        *Labelled.constructor_arguments,
        "num_classes",
        "classification_weight",
        "feature_matching",
        "fake_class",
    )

    def __init__(
        self,
        generator,
        discriminator,
        num_classes,
        classification_weight=1.0,
        feature_matching=True,
        fake_class=False,
        **kwargs,
    ):
        players.check_players(generator, discriminator)
        players.check_unconditional(generator, discriminator)
        labels.check_num_classes(num_classes)
        check_number("classification_weight", classification_weight, minimum=0)
        check_flag("feature_matching", feature_matching)
        check_flag("fake_class", fake_class)
        units = num_classes + int(fake_class)

        def heads(logits, features, head):
            return [features, head(features, units, name="classes")]

        super().__init__(
            generator,
            with_heads(discriminator, heads, [(None,), (units,)]),
            **kwargs,
        )
        self.num_classes = num_classes
        self.classification_weight = classification_weight
        self.feature_matching = feature_matching
        self.fake_class = fake_class

    def generator_inputs(self, latents, condition):
        """Latents alone."""
        return latents

    def class_logits(self, outputs):
        """The logits of the classes in float32, `(batch, num_classes)`."""
        return super().class_logits(outputs)[:, : self.num_classes]

    def logits(self, outputs):
        """How much more real than fake, `(batch, 1)`."""
        real = ops.logsumexp(self.class_logits(outputs), axis=1, keepdims=True)
        if not self.fake_class:
            return real
        return real - super().class_logits(outputs)[:, -1:]

    def discriminator_terms(self, half, real, fake):
        """By name, per-sample values of what the discriminator minimises."""
        known = ops.reshape(ops.cast(half.condition >= 0, "float32"), (-1,))
        loss = self.class_loss(half, real) * known
        loss = ops.divide_no_nan(loss, global_mean(known))
        terms = super().discriminator_terms(half, real, fake)
        return {**terms, "d_class_loss": self.classification_weight * loss}

    def generator_terms(self, half, real, fake):
        """By name, per-sample values of what the generator minimises."""
        if not self.feature_matching:
            return super().generator_terms(half, real, fake)
        features = [
            ops.cast(half.outputs(x)[0], "float32") for x in (real, fake)
        ]
        apart = global_row_mean(features[0]) - global_row_mean(features[1])
        value = ops.sum(ops.square(apart))
        return {"g_loss": ops.broadcast_to(value, (ops.shape(real)[0],))}
