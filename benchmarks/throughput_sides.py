"""The TensorFlow sides of `throughput.py` and `time_to_quality.py`.

Ours, by hand, the tutorials'.

Called by the driver, one run a process, with a task in JSON.
"""

import functools
import json
import sys
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
import throughput_profile
import throughput_timing as timing

import keras_gan
from keras_gan import penalties


def make_players(network):
    """Generator and discriminator of a network."""
    make = getattr(keras_gan.architectures, network["architecture"])
    return make(
        tuple(network["image_shape"]),
        latent_dim=network["latent_dim"],
        **network["arguments"],
    )


def adam(task):
    """One player's optimizer."""
    return keras.optimizers.Adam(**task["adam"])


def data(task):
    """Batches without end."""
    train, _ = keras_gan.datasets.load(
        task["data"], task["batch_size"], test_fraction=0
    )
    return train.repeat()


def make_gan(task):
    """A compiled GAN, with an averaged generator only where asked."""
    choices = set(task["choices"])
    half_life = 10_000 if "averaged" in choices else None
    gan = keras_gan.GAN(*make_players(task["network"]), ema_half_life=half_life)
    options = {"loss": "non_saturating"}
    if "r1r2" in choices:
        options = {
            "loss": "relativistic",
            "penalties": [penalties.ZeroCentered(task["gamma"])],
        }
    for rule in choices & {"shared", "one_stage"}:
        options["update"] = rule
    if choices & {"xla", "no_xla"}:
        options["jit_compile"] = "xla" in choices
    if "10_steps" in choices:
        options["steps_per_execution"] = 10
    gan.compile(adam(task), adam(task), **options)
    return gan


class Tutorial(keras.Model):
    """What the tutorials teach: labels, concatenation, two binary losses."""

    def __init__(self, generator, discriminator, latent_dim):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent_dim = latent_dim
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    def compile(self, d_optimizer, g_optimizer, loss):
        """Optimizers and loss of both players."""
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.criterion = loss
        self.d_mean = keras.metrics.Mean(name="d_loss")
        self.g_mean = keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        """Means of the epoch."""
        return [self.d_mean, self.g_mean]

    def fakes(self, count):
        """Fakes in training mode."""
        latents = keras.random.normal(
            (count, self.latent_dim), seed=self.seed_generator
        )
        return self.generator(latents, training=True)

    def train_step(self, real):
        """One step of both players."""
        count = tf.shape(real)[0]
        both = tf.concat([self.fakes(count), real], axis=0)
        ones, zeros = tf.ones((count, 1)), tf.zeros((count, 1))
        labels = tf.concat([zeros, ones], axis=0)
        with tf.GradientTape() as tape:
            logits = self.discriminator(both, training=True)
            d_loss = self.criterion(labels, logits)
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(
            zip(tape.gradient(d_loss, weights), weights)
        )
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.fakes(count), training=True)
            g_loss = self.criterion(ones, logits)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(
            zip(tape.gradient(g_loss, weights), weights)
        )
        self.d_mean.update_state(d_loss)
        self.g_mean.update_state(g_loss)
        return {"d_loss": self.d_mean.result(), "g_loss": self.g_mean.result()}


def make_tutorial(task):
    """The tutorials' model."""
    network = task["network"]
    model = Tutorial(*make_players(network), network["latent_dim"])
    model.compile(
        adam(task),
        adam(task),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model


class Ticks(keras.callbacks.Callback):
    """Tells a clock when epochs begin and end, but for the first.

    Args:
        clock: `throughput_timing.Clock`.
    """

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_epoch_begin(self, epoch, logs=None):
        """Starts a chunk."""
        self.clock.begin()

    def on_epoch_end(self, epoch, logs=None):
        """Ends one; the first is there to warm up."""
        if epoch > 0:
            self.clock.end(logs["d_loss"], logs["g_loss"])


def train_by_fit(task, make_model):
    """A run of a Keras model; the first step is a `fit` of its own."""
    at_once = 10 if "10_steps" in task["choices"] else 1
    batches = data(task)
    clock = timing.Clock(task["batch_size"] * task["steps"])
    model = make_model(task)
    model.fit(batches, steps_per_epoch=at_once, verbose=0)
    clock.first_step_done()
    model.fit(
        batches,
        steps_per_epoch=task["steps"],
        epochs=1 + task["chunks"],
        verbose=1 if "bar" in task["choices"] else 0,
        callbacks=[Ticks(clock)],
    )
    return row(clock, model.generator, model.discriminator)


def row(clock, *players):
    """What a training run reports."""
    counts = [
        sum(int(np.prod(v.shape)) for v in player.trainable_variables)
        for player in players
    ]
    return clock.row(*counts)


def train_by_hand(task):
    """A run of the loop that one writes who knows TensorFlow."""
    size, steps = task["batch_size"], task["steps"]
    batches = iter(data(task))
    clock = timing.Clock(size * steps)
    generator, discriminator = make_players(task["network"])
    step = hand_written_step(task, generator, discriminator)
    step(next(batches))
    clock.first_step_done()
    for _ in range(steps):
        step(next(batches))
    for _ in range(task["chunks"]):
        losses = []
        clock.begin()
        for _ in range(steps):
            losses.append(step(next(batches)))
        clock.end(*np.mean(losses, axis=0))
    return row(clock, generator, discriminator)


def hand_written_step(task, generator, discriminator):
    """The `tf.function` of one step, real images to both losses."""
    d_optimizer, g_optimizer = adam(task), adam(task)
    d_optimizer.build(discriminator.trainable_variables)
    g_optimizer.build(generator.trainable_variables)
    shape = (task["batch_size"], task["network"]["latent_dim"])
    objectives = relativistic if "r1r2" in task["choices"] else saturating_not
    d_objective, g_objective = objectives(discriminator, task["gamma"])

    @tf.function(jit_compile="xla" in task["choices"])
    def step(real):
        fake = generator(tf.random.normal(shape), training=True)
        with tf.GradientTape() as tape:
            d_loss = d_objective(real, fake)
        weights = discriminator.trainable_variables
        d_optimizer.apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fake = generator(tf.random.normal(shape), training=True)
            g_loss = g_objective(real, fake)
        weights = generator.trainable_variables
        g_optimizer.apply(tape.gradient(g_loss, weights), weights)
        return d_loss, g_loss

    return step


def saturating_not(discriminator, gamma):
    """Both losses of the default."""
    judge = functools.partial(discriminator, training=True)

    def d_objective(real, fake):
        losses = tf.nn.softplus(-judge(real)) + tf.nn.softplus(judge(fake))
        return tf.reduce_mean(losses)

    def g_objective(real, fake):
        return tf.reduce_mean(tf.nn.softplus(-judge(fake)))

    return d_objective, g_objective


def relativistic(discriminator, gamma):
    """Both losses of R3GAN; the penalties share the losses' passes."""
    judge = functools.partial(discriminator, training=True)

    def judged(x):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = judge(x)
        slope = tape.gradient(logits, x)
        return logits, tf.reduce_sum(tf.square(slope), axis=[1, 2, 3])

    def d_objective(real, fake):
        (r, real_norm), (f, fake_norm) = judged(real), judged(fake)
        norms = tf.reduce_mean(real_norm + fake_norm)
        return tf.reduce_mean(tf.nn.softplus(f - r)) + gamma / 2 * norms

    def g_objective(real, fake):
        return tf.reduce_mean(tf.nn.softplus(judge(real) - judge(fake)))

    return d_objective, g_objective


def train(task):
    """A training run."""
    if task["program"] == "loop":
        return train_by_hand(task)
    makers = {"ours": make_gan, "tutorial": make_tutorial}
    return train_by_fit(task, makers[task["program"]])


def generate(task):
    """A run that only generates, in the class or from the SavedModel."""
    gan = make_gan(task)
    count, size = task["count"], task["batch_size"]
    parameters = sum(
        int(np.prod(v.shape)) for v in gan.generator.trainable_variables
    )
    if task["program"] == "generate":

        def draw():
            return gan.generate(count, batch_size=size)

        return timing.generation_row(draw, count, task["chunks"], parameters)
    with tempfile.TemporaryDirectory() as folder:
        gan.export(folder)
        served = tf.saved_model.load(folder)

    def serve():
        n, truncation = tf.constant(size), tf.constant(1.0)
        parts = [
            served.generate(n, tf.constant(seed), truncation)
            for seed in range(count // size)
        ]
        return np.concatenate([part.numpy() for part in parts])

    return timing.generation_row(serve, count, task["chunks"], parameters)


class Budget(keras.callbacks.Callback):
    """Seconds of each epoch but the first, until they are spent.

    Args:
        seconds: float.
    """

    def __init__(self, seconds):
        super().__init__()
        self.left = seconds
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        """Looks at the clock."""
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Looks again."""
        seconds = time.perf_counter() - self.begun
        self.left -= seconds
        if epoch > 0:
            self.epochs.append(seconds)
        if epoch > 2 and self.left < 0:
            self.model.stop_training = True


def virtual_replicas(count):
    """A strategy of one processor as several devices."""
    if count == 1:
        return tf.distribute.get_strategy()
    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(cpu, parts)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])


def growth(task):
    """Seconds and memory of a step of one size."""
    strategy = virtual_replicas(task["replicas"])
    batches = data(task)
    before = timing.resident_memory()
    with strategy.scope():
        gan = make_gan(task)
    budget = Budget(task["seconds"])
    gan.fit(
        batches,
        steps_per_epoch=task["steps"],
        epochs=10_000,
        verbose=0,
        callbacks=[budget],
    )
    step = float(np.median(budget.epochs)) / task["steps"]
    return {
        "step_milliseconds": round(1000 * step, 3),
        "images_per_second": round(task["batch_size"] / step, 1),
        "peak_memory": timing.peak_memory(),
        "memory_before": before,
        "parameters": [gan.count_params()],
    }


def flat_memory(task):
    """Resident memory as a long `fit` goes on."""
    found = [timing.resident_memory()]
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.append(timing.resident_memory())
    )
    gan = make_gan(task)
    gan.fit(
        data(task),
        steps_per_epoch=task["every"],
        epochs=task["steps"] // task["every"],
        verbose=0,
        callbacks=[watch],
    )
    return {"every": task["every"], "resident_memory": found}


class Checkpoints(keras.callbacks.Callback):
    """Fakes after some steps, and the seconds of training until then.

    Args:
        task: dictionary of the driver.
        draw: callable, number of images to an array of fakes.
        start: float, when the clock began.
    """

    def __init__(self, task, draw, start):
        super().__init__()
        self.task, self.draw, self.start = task, draw, start
        self.seconds = []

    def on_train_batch_end(self, batch, logs=None):
        """Stops the clock while fakes are made."""
        if batch + 1 not in self.task["checkpoints"]:
            return
        float(logs["d_loss"])
        now = time.perf_counter()
        self.seconds.append(round(now - self.start, 3))
        path = f"{self.task['folder']}/{batch + 1}.npy"
        np.save(path, self.draw(self.task["count"]))
        self.start += time.perf_counter() - now


def quality(task):
    """Seconds to the checkpoints; see `time_to_quality.py`."""
    keras.utils.set_random_seed(task["seed"])
    start = time.perf_counter()
    if task["program"] == "ours":
        model = keras_gan.presets.r3gan_small(seed=task["seed"])
        draw = functools.partial(model.generate, seed=0)
    else:
        model = make_tutorial(task)

        def draw(count):
            latents = np.random.default_rng(0).normal(
                size=(count, task["network"]["latent_dim"])
            )
            return model.generator.predict(latents, batch_size=500, verbose=0)

    watch = Checkpoints(task, draw, start)
    model.fit(
        data(task),
        steps_per_epoch=max(task["checkpoints"]),
        verbose=0,
        callbacks=[watch],
    )
    return {"seconds": watch.seconds}


def profile(task):
    """Where the time of a step goes."""
    return throughput_profile.of(make_gan(task), data(task), task["steps"])


PARTS = {
    "profile": profile,
    "quality": quality,
    "training": train,
    "generation": generate,
    "growth": growth,
    "memory": flat_memory,
}


def main():
    """Do the task and print what was found."""
    task = json.loads(sys.argv[1])
    keras.utils.set_random_seed(0)
    if "bfloat16" in task["choices"]:
        keras.config.set_dtype_policy("mixed_bfloat16")
    found = PARTS[task["part"]](task)
    found["made_with"] = (
        f"tensorflow {tf.__version__}, keras {keras.__version__}"
    )
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
