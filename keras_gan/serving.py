"""A generator as a SavedModel that plain TensorFlow loads."""

import keras
import tensorflow as tf
from keras import ops
from keras import tree

from keras_gan.players import input_spec
from keras_gan.players import paired
from keras_gan.seeds import TensorSeed
from keras_gan.truncation import sampler

GENERATE_SIGNATURE = [
    tf.TensorSpec((), "int32", name="n"),
    tf.TensorSpec((), "int32", name="seed"),
    tf.TensorSpec((), "float32", name="truncation"),
]


def export(generator, draw, filepath, verbose, as_condition, further):
    """Writes the endpoints `serve` and `generate`.

    Args:
        generator: Keras model, latents to samples.
        draw: latent sampler `(batch_size, seed)`.
        filepath: string, the folder to write.
        verbose: whether Keras prints the endpoints.
        as_condition: callable, labels to the generator's second input.
        further: dictionary from a name to a model, a function and its
            signature, endpoints to write beside.
    """
    specs = tree.flatten(input_spec(generator, draw))
    labels = [label_spec(spec) for spec in specs[1:]]
    sample = sampler(generator, getattr(draw, "num_codes", 0))

    def given(latents, labels):
        return paired(latents, as_condition(*labels) if labels else None)

    def serve(latents, *labels):
        inputs = given(latents, labels)
        return ops.cast(generator(inputs, training=False), "float32")

    def generate(n, seed, truncation, *labels):
        repeated = [ops.take(x, in_turn(n, x), axis=0) for x in labels]
        inputs = given(draw(n, TensorSeed(seed)), repeated)
        return ops.cast(sample(inputs, truncation), "float32")

    latents = tf.TensorSpec(specs[0].shape, specs[0].dtype, "latents")
    archive = keras.export.ExportArchive()
    archive.track(generator)
    archive.add_endpoint("serve", serve, [latents, *labels])
    archive.add_endpoint("generate", generate, [*GENERATE_SIGNATURE, *labels])
    for name, (model, function, signature) in further.items():
        archive.track(model)
        archive.add_endpoint(name, function, signature)
    archive.write_out(str(filepath), verbose=verbose)


def label_spec(spec):
    """One integer a sample, or a vector of attributes."""
    shape = (None,) if tuple(spec.shape[1:]) == (1,) else spec.shape
    shape = shape if keras.backend.is_int_dtype(spec.dtype) else spec.shape
    return tf.TensorSpec(shape, spec.dtype, "labels")


def in_turn(n, labels):
    """Rows of `labels` for `n` samples, from the first again at the end."""
    return ops.arange(n) % ops.shape(labels)[0]
