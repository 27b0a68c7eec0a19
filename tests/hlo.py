"""The program that XLA makes of a training step, and what it must not hold."""

import re

import tensorflow as tf

# What a TPU core cannot run by itself, as it stands in the text of HLO.
FORBIDDEN = {
    "custom-call": r"\bcustom-call\(.*",
    "dynamic dimension": r"\[(?:\d+,)*<=\d+.*|\bset-dimension-size\(.*"
    r"|\bdynamic-reshape\(.*",
    "host": r"\b(?:infeed|outfeed|send|recv)(?:-done)?\(.*"
    r"|is_host_transfer=true",
    "64-bit float": r"\b(?:f64|c128)\[.*",
}


def program(step, *arguments):
    """What XLA is given of a function, for arguments of these shapes.

    Args:
        step: callable of tensors, such as `gan.train_step`.
        *arguments: structures of arrays.

    Returns:
        Callable `(stage)`, where stage is `"hlo"`, the text before XLA
        changes anything, or `"hlo_serialized"`.

    Raises:
        ValueError: the function holds what XLA cannot compile.
    """
    tensors = tf.nest.map_structure(tf.convert_to_tensor, arguments)
    compiled = tf.function(step, jit_compile=True, autograph=False)
    return compiled.experimental_get_compiler_ir(*tensors)


def findings(text):
    """Forbidden things in a text of HLO, by kind, each with its first line."""
    found = {k: re.search(p, text) for k, p in FORBIDDEN.items()}
    return {kind: match[0] for kind, match in found.items() if match}
