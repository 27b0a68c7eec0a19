import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf

# Without it one process in ten ends with other last bits on CPU.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

# What the imports made stays; it need not be looked through each time.
gc.freeze()


@pytest.fixture(autouse=True)
def fresh_state():
    """Same seeds for each test, and no memory of models past."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    yield
    keras.config.set_dtype_policy("float32")
    # Models are cycles that hold memory which Python does not see.
    gc.collect()
