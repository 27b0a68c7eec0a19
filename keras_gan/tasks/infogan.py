"""Codes that mean something, found without labels."""

import keras
import numpy as np
from keras import ops

from keras_gan import players
from keras_gan.checks import check_integer
from keras_gan.checks import check_number
from keras_gan.gan import GAN
from keras_gan.latents import Codes
from keras_gan.tasks.heads import with_heads
from keras_gan.truncation import run

LOG_TWO_PI = float(np.log(2.0 * np.pi))


@keras.saving.register_keras_serializable("keras_gan")
class InfoGAN(GAN):
    """A GAN that finds kinds and shades of samples without labels.

    Choose it to see what a data set holds: part of the latents are codes,
    categorical and continuous, and a head on the discriminator's features, Q,
    has to read them off the fakes, so that each code comes to change
    something visible. `generate` takes a number or codes, `encode` gives the
    codes of samples. The generator takes vectors `[noise, codes]`, as
    `keras_gan.latents.Codes` draws them.

        both players add  weight * -log Q(c | G(z, c))

    cross-entropy for categorical codes, (log(2 pi) + (c - m)^2) / 2 for
    continuous ones. Logs: `d_code_loss`, `g_code_loss`.

    Args:
        generator: Keras model, vectors longer than the codes to samples.
        discriminator: Keras model of one input whose last layer is dense; or
            a model of two outputs, logits and `(batch, codes)`.
        categories: integer >= 2 or tuple of them, categories of each
            categorical code; `()` for none. Default 10.
        num_continuous: integer >= 0, continuous codes. Default 2.
        code_weight: float >= 0. Default 1.
        **kwargs: `augment`, `ema_half_life`, `seed` and `name`, as for `GAN`.

    Raises:
        TypeError, ValueError: the players or an argument do not fit.

    Example:
    >>> from keras_gan import architectures
    >>> players = architectures.mlp((2,), latent_dim=8)
    >>> gan = InfoGAN(*players, categories=3, num_continuous=1, seed=0)
    >>> codes = gan.encode(gan.generate(5, seed=0))
    >>> codes.shape, gan.generate(codes, seed=0).shape
    ((5, 4), (5, 2))

    Reference: Chen et al., arXiv 1606.03657. As in their code for MNIST, the
    variance of continuous codes is 1.
    """

    task_losses = ("d_code_loss", "g_code_loss")
    constructor_arguments = (
        *(x for x in GAN.constructor_arguments if x != "latents"),
        "categories",
        "num_continuous",
        "code_weight",
    )

    def __init__(
        self,
        generator,
        discriminator,
        categories=10,
        num_continuous=2,
        code_weight=1.0,
        **kwargs,
    ):
        players.check_players(generator, discriminator)
        check_number("code_weight", code_weight, minimum=0)
        # Checks both; how much noise there is, the generator says.
        codes = Codes(1, categories, num_continuous)
        noise_dim = check_size(generator, codes.num_codes)

        def heads(logits, features, head):
            return [logits, head(features, codes.num_codes, name="codes")]

        super().__init__(
            generator,
            with_heads(discriminator, heads, [(1,), (codes.num_codes,)]),
            latents=Codes(noise_dim, categories, num_continuous),
            **kwargs,
        )
        self.categories = self.latents.categories
        self.num_continuous = num_continuous
        self.code_weight = code_weight

    def logits(self, outputs):
        """The logits in what the discriminator gives."""
        return outputs[0]

    def discriminator_terms(self, half, real, fake):
        """By name, per-sample values of what the discriminator minimises."""
        terms = super().discriminator_terms(half, real, fake)
        return {**terms, "d_code_loss": self.code_loss(half, fake)}

    def generator_terms(self, half, real, fake):
        """By name, per-sample values of what the generator minimises."""
        terms = super().generator_terms(half, real, fake)
        return {**terms, "g_code_loss": self.code_loss(half, fake)}

    def code_loss(self, half, fake):
        """The weight times `-log Q` of the codes of fakes, `(batch,)`."""
        codes = half.latents[:, self.latents.noise_dim :]
        found = ops.cast(half.outputs(fake)[1], "float32")
        pairs = zip(self.parts(codes), self.parts(found))
        *categorical, (wanted, found) = pairs
        loss = ops.sum(LOG_TWO_PI + ops.square(wanted - found), axis=1) / 2
        for wanted, found in categorical:
            loss += ops.categorical_crossentropy(
                wanted, found, from_logits=True
            )
        return self.code_weight * loss

    def parts(self, codes):
        """Each categorical code, and all continuous ones."""
        ends = np.cumsum(self.categories, dtype=int).tolist()
        return [codes[:, a:b] for a, b in zip([0, *ends], [*ends, None])]

    def sample_inputs(self, n_or_labels, seed=None):
        """Latents, with the codes that are asked for if they are."""
        if np.ndim(n_or_labels) == 0:
            return super().sample_inputs(n_or_labels, seed)
        codes = np.asarray(n_or_labels)
        size = self.latents.num_codes
        wrong = codes.ndim != 2 or codes.shape[1] != size or not len(codes)
        if wrong or codes.dtype.kind not in "iuf":
            raise ValueError(
                f"`n_or_labels` must be an integer or codes (n, {size}). "
                f"Received: n_or_labels of shape={codes.shape} and "
                f"dtype={codes.dtype}"
            )
        noise = self.sample_latents(len(codes), seed)[:, :-size]
        return ops.concatenate([noise, codes.astype("float32")], axis=1)

    def encode(self, x, batch_size=256):
        """The codes of samples.

        Args:
            x: float array `(n, ...)`, samples in the range of the data.
            batch_size: integer >= 1, samples looked at at once.

        Returns:
            Float32 NumPy array `(n, codes)`: probabilities of the categories
            of each categorical code, then the means of continuous codes.

        Raises:
            ValueError: samples of another shape or dtype.
        """
        check_integer("batch_size", batch_size, minimum=1)
        x = np.asarray(x)
        players.check_real(x, self._fake_spec)
        _, found = run(self.discriminator, x.astype("float32"), batch_size)
        *categorical, continuous = self.parts(ops.cast(found, "float32"))
        categorical = [ops.softmax(logits) for logits in categorical]
        found = ops.concatenate([*categorical, continuous], axis=1)
        return ops.convert_to_numpy(found)


def check_size(generator, num_codes):
    """Length of the noise that a generator takes beside codes."""
    inputs = getattr(generator, "inputs", None) or ()
    shapes = [tuple(x.shape[1:]) for x in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 1 or shapes[0][0] <= num_codes:
        raise ValueError(
            "The generator must take one vector, noise and "
            f"{num_codes} numbers of codes: a `latent_dim` above {num_codes}. "
            f"Received: generator input shapes={shapes}"
        )
    return shapes[0][0] - num_codes
