"""Where the time of a step goes: the part `profile` of `throughput.py`.

Counts the multiplications of all convolutions and matrix products in the graph
of a training step, forwards and backwards, and holds the step against the time
that they would take at the speed of one large product and one large
convolution, measured in the same process. Then TensorFlow's profiler says
which operations the processor is busy with.
"""

import collections
import math
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf

TOP = 8


def of(gan, batches, steps):
    """What the profile of a compiled model on its data reports.

    Args:
        gan: `keras_gan.GAN`.
        batches: `tf.data.Dataset` without end.
        steps: integer.
    """
    fit = {"steps_per_epoch": steps, "verbose": 0}
    gan.fit(batches, **fit)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        gan.fit(batches, **fit)
        seconds.append(time.perf_counter() - start)
    work = floating_point_operations(gan, next(iter(batches)))
    peaks = {"conv": convolution_peak(), "matmul": product_peak()}
    least = sum(work[kind] / peaks[kind] for kind in work)
    step = float(np.median(seconds)) / steps
    return {
        "step_milliseconds": round(1000 * step, 3),
        "gflop": {kind: round(work[kind] / 1e9, 4) for kind in work},
        "gflops_at_peak": {k: round(v / 1e9, 1) for k, v in peaks.items()},
        "share_of_peak": round(least / step, 3),
        "operations": busy_operations(gan, batches, steps),
    }


def floating_point_operations(gan, batch):
    """Operations of the convolutions and products of a step, by kind."""
    spec = tf.nest.map_structure(
        lambda x: tf.TensorSpec(x.shape, x.dtype), batch
    )
    step = tf.function(gan.train_step, autograph=False)
    counts = {"conv": 0.0, "matmul": 0.0}
    for operation in needed(step.get_concrete_function(spec).graph):
        kind, count = operations_of(operation)
        if kind:
            counts[kind] += count
    return counts


def needed(graph):
    """Operations that the results or the state of a graph depend on."""
    found = set()
    left = [tensor.op for tensor in graph.outputs] + graph.control_outputs
    while left:
        operation = left.pop()
        if operation not in found:
            found.add(operation)
            left += [tensor.op for tensor in operation.inputs]
            left += operation.control_inputs
    return found


def operations_of(operation):
    """The kind of one node of the graph and how much it computes."""
    shapes = [tensor.shape for tensor in operation.inputs]
    size = operation.outputs[0].shape if operation.outputs else None
    if operation.type == "MatMul":
        inner = shapes[0][0 if operation.get_attr("transpose_a") else 1]
        return "matmul", 2.0 * math.prod(size) * inner
    if operation.type == "Conv2D":
        image, kernel = size, shapes[1]
    elif operation.type == "Conv2DBackpropInput":
        image, kernel = shapes[2], shapes[1]
    elif operation.type == "Conv2DBackpropFilter":
        image, kernel = shapes[2], size
    else:
        return None, 0.0
    # Each value of the smaller image meets a whole kernel.
    return "conv", 2.0 * math.prod(image[:3]) * math.prod(kernel)


def speed(function, work):
    """The best of five runs, in operations a second."""
    function()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(3):
            result = function()
        result.numpy()
        seconds.append((time.perf_counter() - start) / 3)
    return work / min(seconds)


def product_peak():
    """Operations a second of a matrix product of 2,048 rows."""
    x = tf.random.stateless_normal((2048, 2048), (0, 0))
    return speed(tf.function(lambda: tf.matmul(x, x)), 2.0 * 2048**3)


def convolution_peak():
    """Operations a second of a 3x3 convolution of 64 to 64 channels."""
    x = tf.random.stateless_normal((64, 32, 32, 64), (0, 0))
    kernel = tf.random.stateless_normal((3, 3, 64, 64), (0, 1))
    work = 2.0 * math.prod(x.shape) * math.prod(kernel.shape[:3])
    return speed(tf.function(lambda: tf.nn.conv2d(x, kernel, 1, "SAME")), work)


def busy_operations(gan, batches, steps):
    """Milliseconds a step of the operations that take most, all threads."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        gan.fit(batches, steps_per_epoch=steps, verbose=0)
        tf.profiler.experimental.stop()
        (path,) = pathlib.Path(folder).rglob("*.xplane.pb")
        found = kernels(path.read_bytes())
    return {
        name: round(milliseconds / steps, 3)
        for name, milliseconds in found.most_common(TOP)
    }


def kernels(content):
    """Milliseconds of each kind of kernel in a trace."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(content)
    found = collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                # Kernels are named as "path/in/graph:Kind".
                path, _, kind = name.rpartition(":")
                if "/" in path and kind.isidentifier():
                    found[kind] += event.duration_ps / 1e9
    return found
