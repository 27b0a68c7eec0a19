"""Cost as work grows: the sizes that `throughput.py` runs, and their plot."""

import throughput_networks as networks

# What grows, its values, and the rest: a DCGAN.
SERIES = {
    "batch": {
        "values": [16, 32, 64, 128, 256, 512],
        "image_size": 28,
        "width": 32,
    },
    "resolution": {"values": [28, 32, 64, 128], "batch": 64, "width": 16},
    "width": {"values": [8, 16, 32, 64, 128], "batch": 64, "image_size": 28},
    "replicas": {
        "values": [1, 2, 4],
        "batch": 64,
        "image_size": 28,
        "width": 32,
    },
}
COLUMNS = ("step_milliseconds", "images_per_second", "peak_memory")
TITLES = {
    "batch": "images a batch",
    "resolution": "pixels a side",
    "width": "filters next to the image",
    "replicas": "replicas of one batch, equal cores",
}


def points():
    """Series, value, network, batch size and replicas of each run."""
    for series, plan in SERIES.items():
        for value in plan["values"]:
            size = plan.get("image_size", value)
            network = {
                **networks.NETWORKS["dcgan28"],
                "image_shape": [size, size, 1],
                "arguments": {"width": plan.get("width", value)},
            }
            replicas = value if series == "replicas" else 1
            yield series, value, network, plan.get("batch", value), replicas


def plot(content, out):
    """Writes the picture, if there is anything to show.

    Args:
        content: dictionary, what the record holds.
        out: path of the record.
    """
    rows = content.get("growth", {"rows": []})["rows"]
    if not rows:
        return
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogFormatter

    figure = Figure(figsize=(13, 3.4), layout="constrained")
    for axis, series in zip(figure.subplots(1, len(SERIES)), SERIES):
        found = [row for row in rows if row["series"] == series]
        x = [row["value"] for row in found]
        time = [row["step_milliseconds"] for row in found]
        memory = [row["peak_memory"] - row["memory_before"] for row in found]
        axis.loglog(x, time, "o-", label="milliseconds a step")
        axis.loglog(x, memory, "s--", label="MiB above the start")
        axis.set_xlabel(TITLES[series])
        axis.set_xticks(x, [str(value) for value in x])
        axis.set_xticks([], minor=True)
        axis.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=False))
        axis.yaxis.set_minor_formatter(
            LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.5))
        )
        axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(out.with_name(out.stem + "_growth.png"), dpi=100)
