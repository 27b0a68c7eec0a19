"""Labels taught by a classifier in the discriminator."""

import keras

from keras_gan import players
from keras_gan.checks import check_flag
from keras_gan.checks import check_number
from keras_gan.tasks import labels
from keras_gan.tasks.classifying import Classifying
from keras_gan.tasks.conditional import ConditionalGAN
from keras_gan.tasks.heads import with_heads


@keras.saving.register_keras_serializable("keras_gan")
class ACGAN(Classifying, ConditionalGAN):
    """A conditional GAN whose discriminator classifies.

    Choose it where a classifier is wanted beside the samples; for samples
    alone `ConditionalGAN` is usually better: this one prefers samples that
    are easy to classify. A dense layer on the discriminator's features, the
    input of its last dense layer, gives class logits. The discriminator takes
    samples only; or labels too, by projection: its logits then judge whether
    a sample is real for its class, and a small weight of the classifier does.
    Logs: `d_class_loss`, `g_class_loss`, `accuracy` (on real samples).

        D adds  weight * (CE(y, c(x)) + CE(y, c(G(z, y))))
        G adds  weight * CE(y, c(G(z, y)))

    Args:
        generator: Keras model of two inputs, `[latents, labels]`.
        discriminator: Keras model of samples to logits, whose last layer is
            dense; or of `[x, labels]` to logits, as `architectures.dcgan` and
            `sn_resnet` give with `num_classes`, where the features are the
            input of the last dense layer that labels do not reach; or one of
            two outputs, logits and class logits, the latter without labels.
        num_classes: integer >= 2.
        classification_weight: float >= 0. Default 1.
        fake_term: whether the discriminator learns from the labels of fakes
            too. Without, classes stay those of the real samples.
        **kwargs: as for `ConditionalGAN`.

    Raises:
        TypeError, ValueError: the players or an argument do not fit.

    Example:
    >>> from keras_gan import architectures
    >>> generator, _ = architectures.mlp((2,), 4, num_classes=3)
    >>> _, discriminator = architectures.mlp((2,))
    >>> gan = ACGAN(generator, discriminator, num_classes=3, seed=0)
    >>> gan.classify(gan.generate([0, 2, 2, 1], seed=0)).shape
    (4, 3)

    Reference: Odena et al., arXiv 1610.09585. Labels of fakes are those of
    the batch here, drawn evenly there. Projection and classifier together:
    Han et al., arXiv 2108.09016.
    """

    task_losses = ("d_class_loss", "g_class_loss")
    constructor_arguments = (
        *ConditionalGAN.constructor_arguments,
        "classification_weight",
        "fake_term",
    )

    def __init__(
        self,
        generator,
        discriminator,
        num_classes,
        classification_weight=1.0,
        fake_term=True,
        **kwargs,
    ):
        players.check_players(generator, discriminator)
        check_number("classification_weight", classification_weight, minimum=0)
        check_flag("fake_term", fake_term)
        self.check_conditions(generator, discriminator, num_classes)
        super().__init__(
            generator,
            self.with_classes(discriminator, num_classes),
            num_classes,
            **kwargs,
        )
        self.classification_weight = classification_weight
        self.fake_term = fake_term

    def check_conditions(self, generator, discriminator, num_classes):
        """Raises unless there are classes that the generator takes."""
        labels.check_num_classes(num_classes)
        if len(getattr(discriminator, "inputs", None) or ()) < 2:
            discriminator = None
        labels.spec_of(generator, discriminator, num_classes)

    def with_classes(self, discriminator, num_classes):
        """The discriminator with class logits."""

        def heads(logits, features, head):
            return [logits, head(features, num_classes, name="classes")]

        shapes = [(1,), (num_classes,)]
        return with_heads(discriminator, heads, shapes, labels=True)

    def logits(self, outputs):
        """The logits in what the discriminator gives."""
        return outputs[0]

    def discriminator_terms(self, half, real, fake):
        """By name, per-sample values of what the discriminator minimises."""
        loss = self.class_loss(half, real)
        if self.fake_term:
            loss = loss + self.class_loss(half, fake)
        terms = super().discriminator_terms(half, real, fake)
        return {**terms, "d_class_loss": self.classification_weight * loss}

    def generator_terms(self, half, real, fake):
        """By name, per-sample values of what the generator minimises."""
        loss = self.class_loss(half, fake)
        terms = super().generator_terms(half, real, fake)
        return {**terms, "g_class_loss": self.classification_weight * loss}
