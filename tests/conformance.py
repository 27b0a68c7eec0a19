"""The one list of models that every property is tested on.

Each case is `(name, make_gan, make_batch, covers)`: a function that returns a
compiled GAN, one that returns a batch of `BATCH` rows, and the public names
that the case stands for. A public loss, penalty, latent sampler,
architecture, preset or task that no case covers fails `test_conformance.py`.
"""

from typing import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from keras import ops

import keras_gan
from keras_gan import architectures
from keras_gan import backbones
from keras_gan import constraints
from keras_gan import latents
from keras_gan import losses
from keras_gan import optimizers
from keras_gan import penalties
from keras_gan import presets
from keras_gan import schedules
from keras_gan import tasks

BATCH = 8


class Case(NamedTuple):
    name: str
    make_gan: Callable
    make_batch: Callable
    covers: tuple


@keras.saving.register_keras_serializable("keras_gan_tests")
class LabelledGAN(keras_gan.GAN):
    """A conditional GAN by the fewest hooks: the proof that they suffice."""

    num_classes = 3

    def split_batch(self, data):
        real, _ = super().split_batch(data)
        _, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return real, ops.reshape(labels, (-1, 1))


def labelled_players():
    def joined(x, labels):
        code = layers.Flatten()(layers.Embedding(3, 4)(labels))
        return layers.Concatenate()([layers.Flatten()(x), code])

    z, label = keras.Input((4,)), keras.Input((1,), dtype="int64")
    fake = layers.Reshape((4, 4, 1))(layers.Dense(16)(joined(z, label)))
    x, label_2 = keras.Input((4, 4, 1)), keras.Input((1,), dtype="int64")
    logits = layers.Dense(1)(
        layers.LeakyReLU()(layers.Dense(8)(joined(x, label_2)))
    )
    return keras.Model([z, label], fake), keras.Model([x, label_2], logits)


def patch_players():
    """Patch logits, dropout, batch normalisation, a weight regulariser."""
    z = keras.Input((3,))
    x = layers.Reshape((6, 6, 1))(layers.Dense(36)(z))
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.2)(x)
    generator = keras.Model(z, layers.Conv2D(2, 3, padding="same")(x))
    image = keras.Input((6, 6, 2))
    y = layers.Conv2D(4, 3, kernel_regularizer="l2")(image)
    y = layers.Dropout(0.3)(layers.LeakyReLU()(y))
    return generator, keras.Model(image, layers.Conv2D(1, 3)(y))


def compiled(
    players,
    loss,
    rules=(),
    model=keras_gan.GAN,
    augment=None,
    latents=None,
    ema_half_life=10_000,
    task=None,
    **kwargs,
):
    options = dict(task or {})
    if latents is not None:
        options["latents"] = latents
    gan = model(
        *players,
        seed=3,
        augment=augment,
        ema_half_life=ema_half_life,
        **options,
    )
    beta_2 = schedules.CosineBurnIn(0.9, 0.99, duration=100)
    gan.compile(
        optimizers.Adam(2e-3, beta_1=0.5, beta_2=beta_2),
        keras.optimizers.AdamW(1e-3),
        loss=loss,
        penalties=rules,
        **kwargs,
    )
    return gan


def small(shape):
    return architectures.mlp(shape, latent_dim=4, units=(8, 8))


def small_backbone(channels=3, size=None):
    """All that networks for photographs have: what is no map of features
    first, a padded stem, a squeezed branch, statistics, dropout, a top.
    """
    image = keras.Input((size, size, channels))
    x = layers.Rescaling(0.5)(image)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(4, 3, strides=2, use_bias=False, name="stem")(x)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    y = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    y = layers.Conv2D(4, 1, activation="sigmoid", name="excite")(y)
    x = layers.Multiply(name="gated")([x, y])
    x = layers.DepthwiseConv2D(3, 2, "same", name="down")(x)
    x = layers.Conv2D(6, 1, name="project")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    x = layers.BatchNormalization(name="last")(x)
    x = layers.Dense(5)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="small_backbone")


def small_pyramid(**kwargs):
    options = {"preprocessing": "torch", "size": 12, **kwargs}
    return backbones.pyramid((8, 8, 1), small_backbone(), **options)


def small_dcgan(normalize, size=8):
    return architectures.dcgan(
        (size, size, 3), latent_dim=4, width=4, normalize=normalize
    )


def batch_of(*shape):
    def make_batch(seed=0):
        rng = np.random.default_rng(seed)
        return rng.uniform(-1, 1, (BATCH, *shape)).astype("float32")

    return make_batch


def labelled_batch(seed=0):
    return batch_of(4, 4, 1)(seed), np.arange(BATCH) % 3


def attribute_players():
    """Players that take two attributes, one of them yes or no."""

    def joined(x, attributes):
        return layers.Concatenate()([layers.Flatten()(x), attributes])

    z, given = keras.Input((4,)), keras.Input((2,))
    fake = layers.Dense(6)(layers.ReLU()(layers.Dense(8)(joined(z, given))))
    x, given_2 = keras.Input((6,)), keras.Input((2,))
    hidden = layers.LeakyReLU()(layers.Dense(8)(joined(x, given_2)))
    logits = layers.Dense(1)(hidden)
    return keras.Model([z, given], fake), keras.Model([x, given_2], logits)


def attribute_batch(seed=0):
    rng = np.random.default_rng(seed)
    attributes = np.stack([np.arange(BATCH) % 2, rng.uniform(size=BATCH)], 1)
    return batch_of(6)(seed), attributes.astype("float32")


def image_batch(channels):
    def make_batch(seed=0):
        return batch_of(8, 8, channels)(seed), np.arange(BATCH) % 3

    return make_batch


def classes_players(labels, size=4):
    """A generator with or without labels, a discriminator without."""
    generator, _ = architectures.mlp(
        (size, size, 1), 8, num_classes=3 if labels else None, units=(8,)
    )
    _, discriminator = architectures.mlp((size, size, 1), units=(8, 6))
    return generator, discriminator


def few_labels_batch(seed=0):
    """Three rows are labelled, of two replicas those of the first one."""
    x, y = labelled_batch(seed)
    return x, np.where(np.arange(BATCH) < 3, y, -1)


def weighted_batch(seed=0):
    weights = np.linspace(0.5, 1.5, BATCH).astype("float32")
    return batch_of(6)(seed), np.zeros(BATCH, "float32"), weights


CASES = [
    Case(
        "vector",
        lambda: compiled(small((6,)), "non_saturating"),
        batch_of(6),
        ("GAN", "mlp", "NonSaturating", "Normal"),
    ),
    Case(
        "sequence",
        lambda: compiled(small((5, 2)), "minimax", [penalties.R1(0.5)]),
        batch_of(5, 2),
        ("Minimax", "R1"),
    ),
    Case(
        "image",
        lambda: compiled(
            small_dcgan("generator"),
            "relativistic",
            [penalties.ZeroCentered(0.7)],
        ),
        batch_of(8, 8, 3),
        ("dcgan", "Relativistic", "ZeroCentered"),
    ),
    Case(
        "volume",
        lambda: compiled(
            small((3, 3, 3, 2)), "least_squares", [penalties.R2(0.3)]
        ),
        batch_of(3, 3, 3, 2),
        ("LeastSquares", "R2"),
    ),
    Case(
        "wgan_gp",
        lambda: compiled(
            small((6,)),
            "wasserstein",
            [penalties.WGANGP(5.0)],
            d_steps=2,
            latents=latents.Uniform((4,)),
        ),
        batch_of(6),
        ("Wasserstein", "WGANGP", "Uniform"),
    ),
    Case(
        "batch_norm_both",
        lambda: compiled(small_dcgan("both", 16), "hinge"),
        batch_of(16, 16, 3),
        ("Hinge",),
    ),
    Case(
        "patches",
        lambda: compiled(
            patch_players(),
            "relativistic_average",
            [penalties.R1(0.2), penalties.R2(0.2)],
            augment=layers.GaussianNoise(0.1),
            ema_half_life=None,
        ),
        batch_of(6, 6, 2),
        ("RelativisticAverage",),
    ),
    Case(
        "labels",
        lambda: compiled(
            labelled_players(),
            losses.Relativistic(),
            [penalties.ZeroCentered(0.5), penalties.WGANGP(0.5)],
            model=LabelledGAN,
        ),
        labelled_batch,
        (),
    ),
    Case(
        "conditional",
        lambda: compiled(
            architectures.mlp((4, 4, 1), 4, num_classes=3, units=(8, 8)),
            losses.Relativistic(),
            [penalties.ZeroCentered(0.5), penalties.WGANGP(0.5)],
            model=tasks.ConditionalGAN,
            task={"num_classes": 3},
        ),
        labelled_batch,
        ("ConditionalGAN",),
    ),
    Case(
        "conditional_dcgan",
        lambda: compiled(
            architectures.dcgan((8, 8, 1), 4, num_classes=3, width=4),
            "hinge",
            [
                penalties.R1(0.5, every=2),
                penalties.Consistency(fake_weight=1.0),
                penalties.LatentConsistency(),
            ],
            model=tasks.ConditionalGAN,
            task={"num_classes": 3},
            augment=keras_gan.layers.DiffAugment("translation"),
            update="shared",
        ),
        image_batch(1),
        (),
    ),
    Case(
        "attributes",
        lambda: compiled(
            attribute_players(),
            "non_saturating",
            [penalties.R2(0.2)],
            model=tasks.ConditionalGAN,
            task={"num_classes": None},
            update="shared",
        ),
        attribute_batch,
        (),
    ),
    Case(
        "acgan",
        lambda: compiled(
            classes_players(labels=True),
            "non_saturating",
            [penalties.R1(0.5)],
            model=tasks.ACGAN,
            task={"num_classes": 3, "classification_weight": 0.7},
            d_steps=2,
        ),
        labelled_batch,
        ("ACGAN",),
    ),
    Case(
        "reacgan",
        lambda: compiled(
            classes_players(labels=True),
            "hinge",
            [penalties.LeCam(0.3, start=2)],
            model=tasks.ReACGAN,
            task={"num_classes": 3, "embedding_dim": 5, "margin": 0.9},
            update="shared",
        ),
        labelled_batch,
        ("ReACGAN",),
    ),
    Case(
        "semi_supervised",
        lambda: compiled(
            classes_players(labels=False),
            "non_saturating",
            [penalties.ClassConsistency(0.5)],
            model=tasks.SemiSupervisedGAN,
            task={"num_classes": 3, "fake_class": True},
            augment=layers.GaussianNoise(0.1),
        ),
        few_labels_batch,
        ("SemiSupervisedGAN", "ClassConsistency"),
    ),
    Case(
        "infogan",
        lambda: compiled(
            classes_players(labels=False),
            "non_saturating",
            [penalties.R1(0.5, every=2)],
            model=tasks.InfoGAN,
            task={"categories": (3, 2), "num_continuous": 1},
        ),
        batch_of(4, 4, 1),
        ("InfoGAN", "Codes"),
    ),
    Case(
        "packed",
        lambda: compiled(
            (
                architectures.mlp((4, 4, 1), 4, units=(8,))[0],
                architectures.mlp((4, 4, 2), units=(8,))[1],
            ),
            "wasserstein",
            [penalties.R1(5.0)],
            model=tasks.PackedGAN,
            task={"packing": 2},
            augment=keras_gan.layers.DiffAugment("translation"),
        ),
        batch_of(4, 4, 1),
        ("PackedGAN",),
    ),
    Case(
        "weights",
        lambda: compiled(small((6,)), "non_saturating", [penalties.R1(0.5)]),
        weighted_batch,
        (),
    ),
    Case(
        "regularised",
        lambda: compiled(
            small((6,)),
            losses.NonSaturating(label_smoothing=0.1, label_noise=0.2),
            [
                penalties.WeightDecay(1e-3),
                penalties.DiscriminatorEntropy(0.1),
                penalties.LogCrossEntropy(schedules.Linear(0.2, 0.1, 30)),
                penalties.SampleEnergy(0.01, every=2),
                penalties.Drift(0.01),
            ],
            augment=layers.GaussianNoise(0.1),
            ema_half_life=schedules.Linear(0.0, 100.0, 50),
            g_steps=2,
        ),
        batch_of(6),
        (
            "WeightDecay",
            "DiscriminatorEntropy",
            "LogCrossEntropy",
            "SampleEnergy",
            "Drift",
        ),
    ),
    Case(
        "few_data",
        lambda: compiled(
            small((8, 8, 1)),
            "hinge",
            [
                penalties.LeCam(0.3, start=2),
                penalties.DRAGAN(0.5, symmetric=True),
                penalties.Consistency(fake_weight=1.0),
            ],
            augment=keras_gan.layers.AdaptiveAugment(
                "translation", interval=2, images_to_full=64
            ),
            update="shared",
        ),
        batch_of(8, 8, 1),
        ("LeCam", "DRAGAN", "Consistency"),
    ),
    Case(
        "smooth",
        lambda: compiled(
            small((6,)),
            "relativistic",
            [
                penalties.PathLength(1.0, every=2),
                penalties.Orthogonal(1e-2),
                penalties.LatentConsistency(),
                penalties.LatentDiversity(),
                constraints.WeightClip(0.2),
            ],
            update="one_stage",
        ),
        batch_of(6),
        (
            "PathLength",
            "Orthogonal",
            "LatentConsistency",
            "LatentDiversity",
        ),
    ),
    Case(
        "preset_mlp",
        lambda: presets.mlp((6,), latent_dim=3, seed=1),
        batch_of(6),
        ("presets.mlp",),
    ),
    Case(
        "preset_dcgan",
        lambda: presets.dcgan((8, 8, 1), latent_dim=3, seed=1),
        batch_of(8, 8, 1),
        ("presets.dcgan",),
    ),
    Case(
        "preset_r3gan_small",
        lambda: presets.r3gan_small((8, 8, 1), latent_dim=3, seed=1),
        batch_of(8, 8, 1),
        ("presets.r3gan_small",),
    ),
    Case(
        "preset_conditional",
        lambda: presets.conditional((8, 8, 1), 3, latent_dim=3, seed=1),
        image_batch(1),
        ("presets.conditional",),
    ),
    Case(
        "preset_acgan",
        lambda: presets.acgan((8, 8, 1), 3, latent_dim=3, seed=1),
        image_batch(1),
        ("presets.acgan",),
    ),
    Case(
        "preset_infogan",
        lambda: presets.infogan((8, 8, 1), latent_dim=14, seed=1),
        batch_of(8, 8, 1),
        ("presets.infogan",),
    ),
    Case(
        "preset_semi_supervised",
        lambda: presets.semi_supervised((8, 8, 1), 3, latent_dim=3, seed=1),
        image_batch(1),
        ("presets.semi_supervised",),
    ),
    Case(
        "preset_regularised",
        lambda: presets.regularised((8, 8, 1), 3, latent_dim=3, seed=1),
        image_batch(1),
        ("presets.regularised",),
    ),
]

# A callback sees a model's structure, not its loss: plain, two steps of one
# player, labels, saved state of penalties and augmentation, a preset.
STRUCTURES = [
    {case.name: case for case in CASES}[name]
    for name in (
        "vector",
        "wgan_gp",
        "conditional",
        "few_data",
        "preset_r3gan_small",
    )
]

# Players that are slow to trace; they go through what depends on them.
PAPERS = [
    Case(
        "sn_resnet",
        lambda: compiled(
            architectures.sn_resnet((8, 8, 3), 4, g_width=4, d_width=4),
            "hinge",
        ),
        batch_of(8, 8, 3),
        ("sn_resnet",),
    ),
    Case(
        "conditional_sn_resnet",
        lambda: compiled(
            architectures.sn_resnet((8, 8, 3), 4, 3, g_width=4, d_width=4),
            "hinge",
            model=tasks.ConditionalGAN,
            task={"num_classes": 3},
        ),
        image_batch(3),
        (),
    ),
    Case(
        "conditional_r3gan",
        lambda: compiled(
            architectures.r3gan((8, 8, 3), 4, 3, width=8, blocks=1),
            "relativistic",
            [penalties.ZeroCentered(0.5)],
            model=tasks.ConditionalGAN,
            task={"num_classes": 3},
        ),
        image_batch(3),
        (),
    ),
    Case(
        "sagan",
        lambda: compiled(
            architectures.sagan((8, 8, 1), 4, width=4, max_width=8), "hinge"
        ),
        batch_of(8, 8, 1),
        ("sagan",),
    ),
    Case(
        "r3gan",
        lambda: compiled(
            architectures.r3gan((8, 8, 3), 4, width=8, blocks=1),
            "relativistic",
            [penalties.ZeroCentered(0.5)],
            augment=keras_gan.layers.DiffAugment(
                probability=schedules.Linear(0.0, 1.0, 30)
            ),
        ),
        batch_of(8, 8, 3),
        ("r3gan",),
    ),
    Case(
        "projected",
        lambda: compiled(
            (
                architectures.dcgan((8, 8, 1), 4, 3, width=4)[0],
                architectures.projected_discriminator(
                    small_pyramid(), 3, width=4
                ),
            ),
            "hinge",
            [penalties.R1(0.1)],
            model=tasks.ConditionalGAN,
            task={"num_classes": 3},
            augment=keras_gan.layers.DiffAugment("translation"),
        ),
        image_batch(1),
        ("projected_discriminator",),
    ),
    Case(
        "encoder_decoder",
        lambda: compiled(
            (
                architectures.encoder_decoder(small_pyramid(), width=4),
                architectures.dcgan((8, 8, 1), width=4)[1],
            ),
            "non_saturating",
        ),
        batch_of(8, 8, 1),
        ("encoder_decoder",),
    ),
    Case(
        "stylegan2",
        lambda: compiled(
            architectures.stylegan2(
                (8, 8, 3), 4, mapping_layers=1, channel_max=4
            ),
            "non_saturating",
            [penalties.R1(0.5, every=2), penalties.PathLength(every=2)],
        ),
        batch_of(8, 8, 3),
        ("stylegan2",),
    ),
]


# What users subclass; never in a model by itself.
PATTERNS = {"AdversarialLoss", "SmoothedLoss", "Penalty", "Schedule"}


def public_classes(module):
    """Classes that a module defines for users to pass."""
    for name, thing in vars(module).items():
        own = getattr(thing, "__module__", "").startswith(module.__name__)
        if own and isinstance(thing, type) and name not in PATTERNS:
            yield thing


def public_parts():
    """Public names that must be covered by a case."""
    parts = {"GAN"}
    parts |= set(tasks.__all__)
    for module in (losses, penalties, latents):
        parts |= {thing.__name__ for thing in public_classes(module)}
    parts |= set(architectures.__all__)
    parts |= {f"presets.{name}" for name in presets.__all__}
    return parts


class LayerCase(NamedTuple):
    """A layer and the shapes of its inputs without the batch axis.

    A shape that is `"labels"` stands for integers `(batch,)` in [0, 3).
    """

    make_layer: Callable
    shapes: tuple


# One entry for each public class of keras_gan.layers.
LAYERS = [
    LayerCase(lambda: keras_gan.layers.AdaIN(1e-4), ((4, 4, 6), (5,))),
    LayerCase(
        lambda: keras_gan.layers.AdaptiveAugment(
            "cutout",
            target=0.5,
            interval=2,
            images_to_full=900,
            maximum=0.8,
            seed=3,
        ),
        ((8, 6, 3),),
    ),
    LayerCase(
        lambda: keras_gan.layers.ConditionalBatchNormalization(
            3, momentum=0.8, epsilon=1e-4, synchronized=False
        ),
        ((4, 4, 6), "labels"),
    ),
    LayerCase(
        lambda: keras_gan.layers.DiffAugment("color,translation", 0.9, seed=3),
        ((8, 6, 3),),
    ),
    LayerCase(lambda: keras_gan.layers.MeanStyle(0.9), ((5,),)),
    LayerCase(
        lambda: keras_gan.layers.MinibatchDiscrimination(4, kernel_dim=3),
        ((5,),),
    ),
    LayerCase(
        lambda: keras_gan.layers.ModulatedConv2D(
            3, (3, 1), demodulate=False, use_bias=False
        ),
        ((4, 4, 6), (5,)),
    ),
    LayerCase(lambda: keras_gan.layers.NoiseInjection(seed=3), ((4, 4, 6),)),
    LayerCase(lambda: keras_gan.layers.PhaseShuffle(3, seed=3), ((8, 2),)),
    LayerCase(
        lambda: keras_gan.layers.SelfAttention(4, 2, spectral=True),
        ((4, 4, 8),),
    ),
    LayerCase(lambda: keras_gan.layers.BlurPool(4, strides=3), ((7, 8, 3),)),
    LayerCase(lambda: keras_gan.layers.BackboneInput("torch", 3), ((3, 4, 1),)),
    LayerCase(
        lambda: keras_gan.layers.Frozen(
            keras.Sequential(
                [
                    keras.Input((5,)),
                    layers.Dense(4),
                    layers.BatchNormalization(),
                    layers.Dropout(0.5),
                ]
            )
        ),
        ((5,),),
    ),
    LayerCase(lambda: keras_gan.layers.Resize(5, 3), ((4, 7, 2),)),
    LayerCase(
        lambda: keras_gan.layers.EqualizedConv2D(
            3, (3, 2), (2, 1), "valid", "tanh", use_bias=False, gain=1.5
        ),
        ((6, 5, 2),),
    ),
    LayerCase(
        lambda: keras_gan.layers.EqualizedDense(
            3, "tanh", use_bias=False, gain=1.5, lr_multiplier=0.1
        ),
        ((4, 5),),
    ),
    LayerCase(
        lambda: keras_gan.layers.MinibatchStd(3, num_features=2), ((4, 6),)
    ),
    LayerCase(lambda: keras_gan.layers.PixelNorm(1e-3), ((4, 4, 6),)),
    LayerCase(
        lambda: keras_gan.layers.SpectralNormalization(
            keras.layers.Conv2D(3, 3), power_iterations=2, seed=3
        ),
        ((5, 5, 2),),
    ),
    LayerCase(lambda: keras_gan.layers.Upsample(3), ((3, 4, 2),)),
]
