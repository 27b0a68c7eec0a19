"""The numbers of the running epoch, as `fit` and `evaluate` log them."""

import keras
from keras import ops

from keras_gan.losses import per_sample
from keras_gan.replicas import as_logs
from keras_gan.replicas import check_scope

LOGS = ("d_loss", "g_loss", "d_real", "d_fake", "d_accuracy")
TOTAL = "loss"


class Trackers:
    """Means over the epoch, and the user's metrics beside them.

    A plain object: Keras does not allow new metrics on a model that is built
    already, and the numbers of a running epoch belong into no file.

    Args:
        penalties: list of strings, what is minimised beside the losses.
        metrics: list of `keras.metrics.Metric`, fed by `evaluate`.
        further: tuple of strings, what else a task logs of real samples.

    Raises:
        TypeError: an entry of `metrics` is something else.
        ValueError: two logged values would have one name.
    """

    def __init__(self, penalties, metrics, further=()):
        for metric in metrics:
            if not isinstance(metric, keras.metrics.Metric):
                raise TypeError(
                    "`metrics` must hold keras.metrics.Metric objects. "
                    f"Received: {metric!r}"
                )
            check_scope("metrics", metric)
        self.logs = (*LOGS, *further)
        logged = (*self.logs, *penalties)
        names = [TOTAL, *logged, *(metric.name for metric in metrics)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                "Each penalty and metric needs a name of its own, none of "
                f"{TOTAL}, {', '.join(self.logs)}; pass name=... to it. "
                f"Received twice: {twice}"
            )
        self.means = {name: keras.metrics.Mean(name=name) for name in logged}
        self.metrics = metrics

    def fixed_variables(self):
        """By metric, the variables of its network, which a file must hold."""
        return {m.name: getattr(m, "fixed_variables", ()) for m in self.metrics}

    def update(self, values, weights=None):
        """Feeds per-sample values to the means of their names."""
        for name, value in values.items():
            self.means[name].update_state(value, weights)

    def update_logits(self, real_logits, fake_logits):
        """Feeds what tells how well the players are matched."""
        real, fake = per_sample(real_logits), per_sample(fake_logits)
        accuracy = ops.cast(real > fake, "float32")
        self.update({"d_real": real, "d_fake": fake, "d_accuracy": accuracy})

    def training_results(self):
        """Logs of a training step.

        `loss` is the sum of all that the players minimise. It says nothing
        about the samples; `keras.callbacks.TerminateOnNaN` looks at it.
        """
        results = {name: mean.result() for name, mean in self.means.items()}
        parts = [
            results[name] for name in self.means if name not in self.logs[2:]
        ]
        return as_logs({**results, TOTAL: sum(parts)})

    def step_results(self):
        """Logs of a test step: no penalties, and not yet the metrics."""
        return as_logs({name: self.means[name].result() for name in self.logs})

    def evaluation_results(self):
        """Logs of an evaluation: those of its steps and the user's metrics.

        Taken once, at the end: a metric may work hard for its result.
        """
        results = self.step_results()
        for metric in self.metrics:
            value = metric.result()
            results |= (
                value if isinstance(value, dict) else {metric.name: value}
            )
        return results
