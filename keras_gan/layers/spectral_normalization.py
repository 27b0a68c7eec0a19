"""Kernels divided by their largest singular value."""

import keras
from keras import ops

from keras_gan.checks import check_integer

KERNELS = ("kernel", "embeddings")


@keras.saving.register_keras_serializable("keras_gan")
class SpectralNormalization(keras.layers.Wrapper):
    """Runs a layer with its kernel divided by the kernel's spectral norm.

    Choose it for a discriminator that must stay smooth, with `"hinge"`. The
    layer sees `W / sigma`, `sigma = v^T W u`, with `W` as a matrix (all other
    axes, last axis) and no gradient through `v`, `u`: one power iteration
    from the stored vector; the Frobenius norm where the last axis is 1, as in
    depthwise kernels. A call stores nothing. The vector moves once each time
    an optimizer is applied, so all passes of a step see one `sigma`.

    Args:
        layer: Keras layer with a `kernel` or `embeddings` of any rank. Its
            dtype policy counts; `sigma` is computed in float32 or wider.
        power_iterations: integer >= 1, by how many the vector moves.
        seed: integer >= 0, or None, for the vector's random start.

    Call arguments:
        inputs: what the layer takes.

    Returns:
        What the layer gives, in its compute dtype.

    Raises:
        TypeError, ValueError: an argument is out of range, or there is no
            kernel.

    Example:
    >>> layer = SpectralNormalization(
    ...     keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")
    ... )
    >>> round(float(layer(ops.ones((1, 2)))[0, 0]), 4)
    1.0

    Reference: Miyato et al., arXiv 1802.05957. There the vector is stored in
    each pass. Kernels of transposed convolutions end in the input channels,
    so their matrix is another one than there. Zeros stay zeros.
    """

    def __init__(self, layer, power_iterations=1, seed=None, **kwargs):
        if not isinstance(layer, keras.layers.Layer):
            raise TypeError(
                f"`layer` must be a Keras layer. Received: layer={layer!r}"
            )
        super().__init__(layer, **kwargs)
        check_integer("power_iterations", power_iterations, minimum=1)
        if seed is not None:
            check_integer("seed", seed, minimum=0)
        self.power_iterations = power_iterations
        self.seed = seed
        # The kernel is read as stored; the wrapped layer casts it and x.
        self.autocast = False
        self.dtype_policy = layer.variable_dtype

    def build(self, input_shape):
        super().build(input_shape)
        kernel = kernel_of(self.layer)
        self.vector = self.add_weight(
            shape=(kernel.shape[-1],),
            initializer=keras.initializers.RandomNormal(1.0, seed=self.seed),
            dtype=keras.backend.result_type(kernel.dtype, "float32"),
            trainable=False,
            name="vector",
        )
        self.kernel_constraint = kernel.constraint
        kernel.constraint = self.constrain

    def constrain(self, kernel):
        """Moves the vector; optimizers call it after they moved the kernel."""
        value = ops.convert_to_tensor(kernel)
        if self.kernel_constraint is not None:
            value = self.kernel_constraint(value)
        matrix, vector = as_matrix(value), self.vector.value
        for _ in range(self.power_iterations):
            v = unit(ops.matmul(matrix, vector))
            vector = unit(ops.matmul(v, matrix))
        self.vector.assign(ops.where(ops.any(vector != 0), vector, self.vector))
        return value

    def normalized_kernel(self):
        """The kernel that the wrapped layer sees."""
        kernel = kernel_of(self.layer).value
        matrix = as_matrix(kernel)
        v = ops.stop_gradient(unit(ops.matmul(matrix, self.vector)))
        product = ops.matmul(v, matrix)
        sigma = ops.sum(ops.stop_gradient(unit(product)) * product)
        normalized = matrix / ops.where(sigma > 0, sigma, 1.0)
        return ops.reshape(normalized, kernel.shape)

    def call(self, inputs):
        kernel = kernel_of(self.layer)
        others = [v for v in self.layer.variables if v is not kernel]
        # All of them: a scope hides the values of the one around it.
        state = [(variable, variable.value) for variable in others]
        state.append((kernel, self.normalized_kernel()))
        with keras.StatelessScope(state, collect_losses=True) as scope:
            before = [scope.get_current_value(v) for v in others]
            outputs = self.layer(inputs)
        for loss in scope.losses:
            self.add_loss(loss)
        for variable, old in zip(others, before):
            value = scope.get_current_value(variable)
            if value is not old:
                variable.assign(value)
        return outputs

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def compute_output_spec(self, inputs):
        return self.layer.compute_output_spec(inputs)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "power_iterations": self.power_iterations,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The layer that `get_config` describes."""
        # Keras takes the wrapped layer out of the dict that it is given.
        return super().from_config(dict(config), custom_objects)


def kernel_of(layer):
    """The variable to normalise."""
    for name in KERNELS:
        kernel = getattr(layer, name, None)
        if isinstance(kernel, keras.Variable):
            return kernel
    raise ValueError(
        f"`layer` must be a layer with one of the weights {KERNELS}. "
        f"Received: layer={layer!r}"
    )


def as_matrix(kernel):
    """All axes but the last as rows, in float32 or wider."""
    dtype = keras.backend.result_type(kernel.dtype, "float32")
    return ops.reshape(ops.cast(kernel, dtype), (-1, kernel.shape[-1]))


def unit(x):
    """A vector of length 1 in the direction of `x`; zeros stay zeros."""
    norm = ops.norm(x)
    return x / ops.where(norm > 0, norm, 1.0)
