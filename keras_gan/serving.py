"""A generator as a SavedModel that plain TensorFlow loads."""

import keras
import tensorflow as tf
from keras import ops

from keras_gan.players import input_spec
from keras_gan.seeds import TensorSeed
from keras_gan.truncation import sampler

GENERATE_SIGNATURE = [
    tf.TensorSpec((), "int32", name="n"),
    tf.TensorSpec((), "int32", name="seed"),
    tf.TensorSpec((), "float32", name="truncation"),
]


def export(generator, draw, filepath, verbose):
    """Writes the endpoints `serve` and `generate`.

    Args:
        generator: Keras model, latents to samples.
        draw: latent sampler `(batch_size, seed)`.
        filepath: string, the folder to write.
        verbose: whether Keras prints the endpoints.
    """
    spec = input_spec(generator, draw)

    def serve(latents):
        return ops.cast(generator(latents, training=False), "float32")

    sample = sampler(generator)

    def generate(n, seed, truncation):
        return ops.cast(
            sample(draw(n, TensorSeed(seed)), truncation), "float32"
        )

    archive = keras.export.ExportArchive()
    archive.track(generator)
    archive.add_endpoint(
        "serve", serve, [tf.TensorSpec(spec.shape, spec.dtype, "latents")]
    )
    archive.add_endpoint("generate", generate, GENERATE_SIGNATURE)
    archive.write_out(str(filepath), verbose=verbose)
