"""Time and memory of one run, the same for every framework.

Imports neither of them, so that both interpreters can.
"""

import resource
import statistics
import time


def peak_memory():
    """Largest resident memory of this process so far, in MiB.

    `ru_maxrss` begins at the memory of the process that started this one;
    where the kernel tells the process's own, that is taken.
    """
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    except OSError:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return round(usage.ru_maxrss / 1024, 1)


def resident_memory():
    """Resident memory of this process now, in MiB."""
    with open("/proc/self/statm") as status:
        pages = int(status.read().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)


class Clock:
    """Seconds of the first step and of the chunks that follow.

    Args:
        images: integer, images a chunk.
    """

    def __init__(self, images):
        self.images = images
        self.seconds = []
        self.losses = []
        self.memory_before = resident_memory()
        self.start = time.perf_counter()

    def first_step_done(self):
        """To be called once, when the first step is done."""
        self.first_step = time.perf_counter() - self.start

    def begin(self):
        """Before a chunk."""
        self.begun = time.perf_counter()

    def end(self, d_loss, g_loss):
        """Behind a chunk, with the means of its losses."""
        self.seconds.append(time.perf_counter() - self.begun)
        self.losses.append([round(float(d_loss), 4), round(float(g_loss), 4)])

    def row(self, generator, discriminator):
        """What a training run reports, with the players' parameters."""
        second = statistics.median(self.seconds)
        return {
            "images_per_second": round(self.images / second, 1),
            "chunks": [round(self.images / s, 1) for s in self.seconds],
            "first_step_seconds": round(self.first_step, 3),
            "peak_memory": peak_memory(),
            "memory_before": self.memory_before,
            "losses": self.losses,
            "parameters": [generator, discriminator],
        }


def generation_row(draw, count, chunks, parameters):
    """What a run that only generates reports.

    Args:
        draw: callable of no arguments that makes `count` images.
        count: integer.
        chunks: integer, how often it is timed.
        parameters: integer, those of the generator.
    """
    start = time.perf_counter()
    draw()
    first = time.perf_counter() - start
    speeds = []
    for _ in range(chunks):
        start = time.perf_counter()
        draw()
        speeds.append(round(count / (time.perf_counter() - start), 1))
    return {
        "images_per_second": statistics.median(speeds),
        "chunks": speeds,
        "first_call_seconds": round(first, 3),
        "peak_memory": peak_memory(),
        "parameters": [parameters],
    }
