"""Signals that end training between two steps, in all processes at one step."""

import signal
import threading

from keras_gan.replicas import Agreement

CAUGHT = (signal.SIGINT, signal.SIGTERM)
# Steps between two times that the processes of a cluster ask each other.
STEPS_BETWEEN = 10


class Signals:
    """Hears Ctrl-C and SIGTERM until it lets them go.

    A first signal is remembered; a second one ends the program as ever.

    Args:
        strategy: `tf.distribute.Strategy` of the model. Where it spans
            processes, what one of them heard counts once all know of it.
    """

    def __init__(self, strategy):
        self.agreement = Agreement(strategy)
        self.heard = None
        self.before = {}

    def listen(self):
        """Puts our handlers in place, where Python allows it."""
        if threading.current_thread() is threading.main_thread():
            for number in CAUGHT:
                self.catch(number)

    def catch(self, number):
        """Puts our handler of one signal in place."""
        before = signal.getsignal(number)
        # None is a handler outside Python; an ignored signal stays ignored.
        if before is None or before is signal.SIG_IGN:
            return

        def handle(number, frame):
            self.let_go()
            self.heard = number

        signal.signal(number, handle)
        self.before[number] = before

    def let_go(self):
        """Gives the signals back to who handled them before."""
        for number, before in self.before.items():
            signal.signal(number, before)
        self.before.clear()

    def agreed(self, step=0):
        """The signal that ends training before a step, or None.

        Args:
            step: integer, of the running epoch, the same in all processes.
        """
        if not self.agreement.has_peers:
            return self.heard
        if step % STEPS_BETWEEN:
            return None
        return max(self.agreement.numbers(self.heard or 0)) or None
