"""Ready recipes: functions that return a compiled GAN.

Each takes the shape of a sample and can be trained at once by `fit`. Keyword
arguments that a recipe does not name reach `GAN.compile`, such as `metrics`
or `steps_per_execution`.
"""

import keras

from keras_gan import architectures
from keras_gan import tasks
from keras_gan.checks import check_number
from keras_gan.gan import GAN
from keras_gan.penalties import ClassConsistency
from keras_gan.penalties import DiscriminatorEntropy
from keras_gan.penalties import LogCrossEntropy
from keras_gan.penalties import SampleEnergy
from keras_gan.penalties import WeightDecay
from keras_gan.penalties import ZeroCentered
from keras_gan.schedules import CosineBurnIn

__all__ = [
    "acgan",
    "conditional",
    "dcgan",
    "infogan",
    "mlp",
    "r3gan_small",
    "regularised",
    "semi_supervised",
]


def mlp(
    image_shape, latent_dim=100, learning_rate=2e-4, seed=None, **compile_kwargs
):
    """The first GAN of the tutorials: perceptrons, non-saturating loss.

    For vectors and tables in [-1, 1], and to see the plain thing on images.

    Args:
        image_shape: tuple of integers, the shape of one sample.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: float > 0 or schedule, of both Adam optimizers.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.GAN`.

    Example:
    >>> mlp((30,)).generate(2, seed=0).shape
    (2, 30)
    """
    players = architectures.mlp(image_shape, latent_dim)
    gan = GAN(*players, seed=seed)
    return tutorial(gan, learning_rate, compile_kwargs)


def dcgan(
    image_shape=(28, 28, 1),
    latent_dim=64,
    learning_rate=2e-4,
    seed=None,
    **compile_kwargs,
):
    """The convolutional GAN of the tutorials, as a baseline.

    Strided convolutions, batch normalisation in the generator,
    non-saturating loss, Adam with beta_1 0.5. `r3gan_small` gives better
    samples in the same time.

    Args:
        image_shape: `(height, width, channels)`, sides 4 to 7 times a power
            of two.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: float > 0 or schedule, of both Adam optimizers.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.GAN`.

    Example:
    >>> dcgan((32, 32, 3)).generate(2, seed=0).shape
    (2, 32, 32, 3)

    Reference: Radford et al., arXiv 1511.06434; the discriminator has no
    batch normalisation here.
    """
    players = architectures.dcgan(image_shape, latent_dim)
    gan = GAN(*players, seed=seed)
    return tutorial(gan, learning_rate, compile_kwargs)


def adam(learning_rate, **betas):
    """Keras' Adam, its rate checked: Keras takes NaN."""
    if isinstance(learning_rate, (int, float)):
        check_number("learning_rate", learning_rate, minimum=0)
    return keras.optimizers.Adam(learning_rate, **betas)


def tutorial(gan, learning_rate, compile_kwargs):
    """A model with the tutorials' loss and optimizers."""
    gan.compile(
        adam(learning_rate, beta_1=0.5),
        adam(learning_rate, beta_1=0.5),
        **{"loss": "non_saturating", **compile_kwargs},
    )
    return gan


def r3gan_small(
    image_shape=(28, 28, 1),
    latent_dim=64,
    learning_rate=2e-3,
    penalty_weight=None,
    seed=None,
    **compile_kwargs,
):
    """The objective of R3GAN on small players: good samples in minutes.

    Relativistic pairing loss with `ZeroCentered` (R1 and R2 in every step)
    and Adam with beta_1 0, on the players of `architectures.dcgan` with
    batch normalisation in the generator only. The default of `keras-gan
    train` for images.

    Args:
        image_shape: `(height, width, channels)`, sides 4 to 7 times a power
            of two.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: float > 0 or schedule, of both Adam optimizers.
        penalty_weight: float >= 0 or schedule, gamma of the penalty. Default
            1; raise it where training diverges, for larger images most of
            all. Not together with `penalties`.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.GAN`.

    Raises:
        ValueError: both `penalty_weight` and `penalties` are given.

    Example:
    >>> r3gan_small().penalties[0].name
    'zero_centered'

    Reference: Huang et al., arXiv 2501.05441. Loss and penalty are the
    paper's; networks, learning rate and length are made for minutes on a CPU.
    """
    gan = GAN(*architectures.dcgan(image_shape, latent_dim), seed=seed)
    return pairing(gan, learning_rate, penalty_weight, compile_kwargs)


def pairing(gan, learning_rate, penalty_weight, compile_kwargs):
    """A model with the objective and the optimizers of `r3gan_small`."""
    if penalty_weight is None:
        penalty_weight = 1.0
    elif "penalties" in compile_kwargs:
        raise ValueError(
            "`penalty_weight` is that of the recipe's own penalty, which "
            "`penalties` replaces: pass one of the two. Received: "
            f"penalty_weight={penalty_weight!r}, "
            f"penalties={compile_kwargs['penalties']!r}"
        )
    gan.compile(
        adam(learning_rate, beta_1=0.0, beta_2=0.99),
        adam(learning_rate, beta_1=0.0, beta_2=0.99),
        **{
            "loss": "relativistic",
            "penalties": [ZeroCentered(penalty_weight)],
            **compile_kwargs,
        },
    )
    return gan


def falling(learning_rate=None, duration=640_000):
    """A learning rate, or where it is None, one that falls to a twentieth."""
    if learning_rate is not None:
        return learning_rate
    return CosineBurnIn(2e-3, 1e-4, duration)


def conditional(
    image_shape=(28, 28, 1),
    num_classes=10,
    latent_dim=64,
    learning_rate=None,
    penalty_weight=None,
    seed=None,
    **compile_kwargs,
):
    """Samples of the class that one asks for, in minutes.

    `r3gan_small` with labels: they stand behind the latents, and the
    discriminator has a projection; the loss pairs samples of one class. A
    classifier of small weight on the discriminator's features, taught by real
    samples only, keeps fakes from the border between classes.

    Args:
        image_shape: `(height, width, channels)`, sides 4 to 7 times a power
            of two.
        num_classes: integer >= 2.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: float > 0 or schedule, of both Adam optimizers. Default
            `CosineBurnIn(2e-3, 1e-4, duration=640_000)`: samples gain much
            where training lasts as long. Callbacks that move a rate, such as
            `ReduceLROnPlateau`, need a number here.
        penalty_weight: float >= 0 or schedule, as for `r3gan_small`.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.ACGAN`, a `ConditionalGAN` that classifies.

    Raises:
        ValueError: both `penalty_weight` and `penalties` are given.

    Example:
    >>> conditional(num_classes=3).generate([0, 2], seed=0).shape
    (2, 28, 28, 1)

    Reference: Huang et al., arXiv 2501.05441; Miyato & Koyama, arXiv
    1802.05637; a classifier beside: Han et al., arXiv 2108.09016.
    """
    players = architectures.dcgan(image_shape, latent_dim, num_classes)
    gan = tasks.ACGAN(
        *players,
        num_classes,
        classification_weight=0.01,
        fake_term=False,
        seed=seed,
    )
    return pairing(gan, falling(learning_rate), penalty_weight, compile_kwargs)


def acgan(
    image_shape=(28, 28, 1),
    num_classes=10,
    latent_dim=64,
    learning_rate=None,
    penalty_weight=None,
    seed=None,
    **compile_kwargs,
):
    """Samples by class and a classifier, both from one training.

    `tasks.ACGAN` on the players and the objective of `r3gan_small`.

    Args:
        image_shape: as for `conditional`.
        num_classes: integer >= 2.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: as for `conditional`.
        penalty_weight: float >= 0 or schedule, as for `r3gan_small`.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.ACGAN`.

    Raises:
        ValueError: both `penalty_weight` and `penalties` are given.

    Example:
    >>> gan = acgan(num_classes=3)
    >>> gan.classify(gan.generate([0, 2], seed=0)).shape
    (2, 3)

    Reference: Odena et al., arXiv 1610.09585.
    """
    generator, _ = architectures.dcgan(image_shape, latent_dim, num_classes)
    _, discriminator = architectures.dcgan(image_shape)
    gan = tasks.ACGAN(generator, discriminator, num_classes, seed=seed)
    return pairing(gan, falling(learning_rate), penalty_weight, compile_kwargs)


def infogan(
    image_shape=(28, 28, 1),
    latent_dim=74,
    learning_rate=2e-3,
    penalty_weight=None,
    seed=None,
    **compile_kwargs,
):
    """Kinds and shades of samples, found without labels.

    `tasks.InfoGAN` with one code of 10 categories and two continuous ones, on
    the players and the objective of `r3gan_small`.

    Args:
        image_shape: as for `conditional`.
        latent_dim: integer >= 13, length of noise and codes.
        learning_rate: float > 0 or schedule, of both Adam optimizers.
        penalty_weight: float >= 0 or schedule, as for `r3gan_small`.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.InfoGAN`.

    Raises:
        ValueError: both `penalty_weight` and `penalties` are given.

    Example:
    >>> gan = infogan()
    >>> gan.encode(gan.generate(2, seed=0)).shape
    (2, 12)

    Reference: Chen et al., arXiv 1606.03657.
    """
    players = architectures.dcgan(image_shape, latent_dim)
    gan = tasks.InfoGAN(*players, seed=seed)
    return pairing(gan, learning_rate, penalty_weight, compile_kwargs)


def regularised(
    image_shape=(28, 28, 1),
    num_classes=10,
    latent_dim=64,
    learning_rate=2e-4,
    decay=1e-5,
    entropy=0.1,
    log_cross_entropy=0.2,
    energy=1e-4,
    seed=None,
    **compile_kwargs,
):
    """The label-aware, regularised objective of the tutorials.

    Non-saturating loss and Adam with beta_1 0.5 on the conditional players of
    `architectures.dcgan`, and four terms, each logged by its name. To study
    what they do; `conditional` gives better samples in the same time.

        D: cross-entropy + decay * ||theta_D||^2
        G: -log D(G(z, y), y) - entropy * H(D)
           + log_cross_entropy * log(1 - log D(G(z, y), y))
           + energy * ||G(z, y)||^2

    Args:
        image_shape: as for `conditional`.
        num_classes: integer >= 2.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: float > 0 or schedule, of both Adam optimizers.
        decay: float >= 0 or schedule, lambda of `WeightDecay`.
        entropy: float >= 0 or schedule, beta of `DiscriminatorEntropy`.
        log_cross_entropy: float >= 0 or schedule, gamma of
            `LogCrossEntropy`.
        energy: float >= 0 or schedule, eta of `SampleEnergy`, a sum over all
            pixels: larger images need less.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.ConditionalGAN`.

    Example:
    >>> [rule.name for rule in regularised(num_classes=3).penalties][:2]
    ['weight_decay', 'entropy']

    Reference: the tutorials' objective. There the decay stands in the
    generator's loss too, where it has no gradient.
    """
    players = architectures.dcgan(image_shape, latent_dim, num_classes)
    gan = tasks.ConditionalGAN(*players, num_classes, seed=seed)
    penalties = [
        WeightDecay(decay),
        DiscriminatorEntropy(entropy),
        LogCrossEntropy(log_cross_entropy),
        SampleEnergy(energy),
    ]
    return tutorial(
        gan, learning_rate, {"penalties": penalties, **compile_kwargs}
    )


def semi_supervised(
    image_shape=(28, 28, 1),
    num_classes=10,
    latent_dim=64,
    learning_rate=None,
    seed=None,
    **compile_kwargs,
):
    """A classifier from few labels; those of -1 are missing.

    `tasks.SemiSupervisedGAN` with feature matching on the players of
    `architectures.dcgan`, Adam with beta_1 0.5, and `ClassConsistency`: images
    keep their class when they are mirrored and shifted. Where they do not, as
    digits and letters, pass `penalties` with another transform, such as
    `[ClassConsistency(transform=keras.layers.RandomTranslation(0.1, 0.1))]`.

    Args:
        image_shape: as for `conditional`.
        num_classes: integer >= 2.
        latent_dim: integer >= 1, length of the latents.
        learning_rate: as for `conditional`.
        seed: integer, seed of the model's random draws.
        **compile_kwargs: for `GAN.compile`.

    Returns:
        A compiled `keras_gan.SemiSupervisedGAN`.

    Example:
    >>> gan = semi_supervised(num_classes=3)
    >>> gan.classify(gan.generate(2, seed=0)).shape
    (2, 3)

    Reference: Salimans et al., arXiv 1606.03498; Chen et al., arXiv
    2007.03844.
    """
    players = architectures.dcgan(image_shape, latent_dim)
    gan = tasks.SemiSupervisedGAN(*players, num_classes, seed=seed)
    return tutorial(
        gan,
        falling(learning_rate),
        {"penalties": [ClassConsistency()], **compile_kwargs},
    )
