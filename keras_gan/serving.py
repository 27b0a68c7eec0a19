"""A generator as a SavedModel that plain TensorFlow loads."""

import keras
import tensorflow as tf

from keras_gan.players import input_spec
from keras_gan.seeds import TensorSeed

GENERATE_SIGNATURE = [
    tf.TensorSpec((), "int32", name="n"),
    tf.TensorSpec((), "int32", name="seed"),
    tf.TensorSpec((), "float32", name="truncation"),
]


def export(generator, latents, filepath, verbose):
    """Writes the endpoints `serve` and `generate`.

    Args:
        generator: Keras model, latents to samples.
        latents: latent sampler `(batch_size, seed)`.
        filepath: string, the folder to write.
        verbose: whether Keras prints the endpoints.
    """
    spec = input_spec(generator, latents)

    def serve(latents):
        return generator(latents, training=False)

    def generate(n, seed, truncation):
        return serve(latents(n, TensorSeed(seed)) * truncation)

    archive = keras.export.ExportArchive()
    archive.track(generator)
    archive.add_endpoint(
        "serve", serve, [tf.TensorSpec(spec.shape, spec.dtype, "latents")]
    )
    archive.add_endpoint("generate", generate, GENERATE_SIGNATURE)
    archive.write_out(str(filepath), verbose=verbose)
