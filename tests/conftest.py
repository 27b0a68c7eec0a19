import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Two workers on two cores: threads of BLAS would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

# Without it one process in ten ends with other last bits on CPU.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_finish():
    # What the imports made stays; it need not be looked through each time.
    gc.collect()
    gc.freeze()


def forget_traced_gradients():
    """Drops the graphs that TensorFlow never lets go.

    A custom gradient, such as the all-reduce in Keras' optimizers, registers
    a closure over its graph for good at each trace: 10 MB and more a `fit`.
    """
    gradients = ops.gradient_registry._registry
    for name in [n for n in gradients if n.startswith("CustomGradient-")]:
        del gradients[name]


@pytest.fixture(autouse=True)
def fresh_state():
    """Same seeds for each test, and no memory of models past."""
    forget_traced_gradients()
    # Collects too: models are cycles that hold memory Python does not see.
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    yield
    keras.config.set_dtype_policy("float32")
