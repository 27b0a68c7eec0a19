"""The tables of `throughput.py`: ratios within a round, and their spread."""

import numpy as np
import objectives
import throughput_growth
import throughput_networks as networks

LOOPS = {
    "training": (
        "loop",
        "tutorial",
        "torch",
        "torch+compile",
        "torch+bfloat16",
    ),
    "generation": ("torch",),
}
# What may stand behind a side: how many threads there are, and how they wait.
THREADS = ("", "+passive", "+1_thread")
# Choices that leave the update rule, and what is computed by it, as they are.
SAME_RULE = {"xla", "no_xla", "10_steps", "bfloat16"}


def report(content):
    """All tables in Markdown, of whatever was run."""
    parts = []
    if "training" in content:
        parts += [training(content["training"]["rows"])]
        parts += [absolute(content["training"]["rows"])]
    if "generation" in content:
        parts += [generation(content["generation"]["rows"])]
    if "growth" in content:
        parts += [growth(content["growth"]["rows"])]
    if content.get("memory", {}).get("rows"):
        parts += [memory(content["memory"]["rows"][0])]
    if content.get("profile", {}).get("rows"):
        parts += [profile(content["profile"]["rows"])]
    return "\n".join(parts)


def short(content):
    """The ratios of the README: each network at its plain and best setting."""
    rows = content["training"]["rows"]
    head = (
        "images per second, ours over",
        "a loop by hand",
        "the tutorials'",
        "PyTorch",
        "PyTorch compiled",
        "our fastest, same update rule, over PyTorch in float32",
        "the same over PyTorch in bfloat16",
        'our fastest with `update="one_stage"`, over PyTorch in float32',
    )
    lines = [head, ("---",) * len(head)]
    for name, network in networks.NETWORKS.items():
        peers = LOOPS["training"][:4]
        cells = [ratio(rows, name, "ours", peer) for peer in peers]
        plain, one_stage = (fastest_setting(rows, name, x) for x in (0, 1))
        cells.append(told(rows, name, plain, "torch"))
        cells.append(plain and ratio(rows, name, plain, "torch+bfloat16"))
        cells.append(told(rows, name, one_stage, "torch"))
        lines.append((network["title"], *(cell or "" for cell in cells)))
    return objectives.markdown(lines)


def told(rows, network, side, peer):
    """The ratio of a side and its settings; empty where there is none."""
    speed = side and ratio(rows, network, side, peer)
    return f"{speed}, {settings(side)}" if speed else ""


def fastest_setting(rows, network, one_stage):
    """Our side of the plain objective that is furthest ahead of PyTorch."""
    allowed = SAME_RULE | ({"one_stage"} if one_stage else set())
    sides = [s for s in plain_sides(rows, network) if s.startswith("ours")]
    sides = [s for s in sides if set(s.split("+")[1:]) <= allowed]
    sides = [s for s in sides if ("one_stage" in s) == one_stage]
    found = {side: ratios(rows, network, side, "torch") for side in sides}
    found = {
        side: np.median(speeds) for side, speeds in found.items() if speeds
    }
    return max(found, key=found.get, default=None)


def settings(side):
    """The choices of a side as code."""
    choices = side.split("+")[1:]
    named = [networks.CHOICES[choice] for choice in choices]
    return ", ".join(f"`{name}`" for name in named) or "default"


def training(rows):
    """Images a second of our sides over those of the other loops.

    Each side counts with the thread setting of the best median.
    `loop+r1r2` and `torch+r1r2` stand in for the loops where the side of
    ours is `+r1r2`.
    """
    lines = [("images per second, ours over", *LOOPS["training"])]
    lines.append(("---",) * len(lines[0]))
    for name in networks.NETWORKS:
        sides = plain_sides(rows, name)
        for side in (s for s in sides if s.startswith("ours")):
            tail = "+r1r2" if "r1r2" in side else ""
            peers = [peer + tail for peer in LOOPS["training"]]
            cells = [ratio(rows, name, side, peer) for peer in peers]
            lines.append((f"{name}, `{side}`", *cells))
    return objectives.markdown(lines)


def absolute(rows):
    """Speed, first step and memory of every side."""
    head = ("", "images per second", "first step, s", "peak memory, MiB")
    lines = [head, ("---",) * len(head)]
    for name in networks.NETWORKS:
        for side in sides_of(rows, name):
            found = chosen(rows, name, side).values()
            columns = (
                ("images_per_second", 0),
                ("first_step_seconds", 1),
                ("peak_memory", 0),
            )
            cells = [
                spread([row[key] for row in found], digits)
                for key, digits in columns
            ]
            lines.append((f"{name}, `{side}`", *cells))
    return objectives.markdown(lines)


def generation(rows):
    """Images a second that are only generated."""
    head = ("generation", "images per second", "over torch")
    lines = [head, ("---",) * len(head)]
    for name in networks.GENERATION["networks"]:
        for side in sides_of(rows, name):
            found = chosen(rows, name, side).values()
            speed = spread([row["images_per_second"] for row in found], 0)
            over = ratio(rows, name, side, "torch")
            lines.append((f"{name}, `{side}`", speed, over))
    return objectives.markdown(lines)


def growth(rows):
    """Time and memory of a step."""
    head = ("DCGAN", "ms a step", "images per second", "peak memory, MiB")
    lines = [head, ("---",) * len(head)]
    for row in rows:
        cells = [f"{row[key]:.1f}" for key in throughput_growth.COLUMNS]
        lines.append((f"{row['series']} {row['value']}", *cells))
    return objectives.markdown(lines)


def memory(row):
    """One sentence on a long run."""
    found = row["resident_memory"][1:]
    steps = row["every"] * len(found)
    middle = found[len(found) // 2]
    return (
        f"Resident memory of `fit` on the mlp: {found[0]:.0f} MiB after "
        f"{row['every']:,} steps, {middle:.0f} half way, {found[-1]:.0f} "
        f"after {steps:,}.\n"
    )


def profile(rows):
    """Where the time of a step goes."""
    head = ("`ours`", "ms a step", "share of the peak", "busiest, ms a step")
    lines = [head, ("---",) * len(head)]
    for row in rows:
        busy = list(row["operations"].items())[:6]
        cells = [f"{row['step_milliseconds']:.1f}"]
        cells += [f"{row['share_of_peak']:.2f}"]
        cells += [", ".join(f"{name} {ms:.1f}" for name, ms in busy)]
        lines.append((row["network"], *cells))
    return objectives.markdown(lines)


def sides_of(rows, network):
    """Sides of a network in the order in which they were run."""
    return list(
        dict.fromkeys(row["side"] for row in rows if row["network"] == network)
    )


def plain_sides(rows, network):
    """Sides of a network, without those of another thread setting alone."""
    names = (s.removesuffix("+1_thread") for s in sides_of(rows, network))
    return list(dict.fromkeys(names))


def chosen(rows, network, side):
    """Rows of one side, by round."""
    key = (network, side)
    return {r["round"]: r for r in rows if (r["network"], r["side"]) == key}


def ratio(rows, network, side, peer):
    """Speed over a peer's in the same round; empty where it was not run."""
    speeds = ratios(rows, network, side, peer)
    return spread(speeds, 2) if speeds else ""


def ratios(rows, network, side, peer):
    """Speed over a peer's, round by round."""
    ours = fastest(rows, network, side)
    theirs = fastest(rows, network, peer)
    rounds = sorted(set(ours) & set(theirs))
    return [
        ours[turn]["images_per_second"] / theirs[turn]["images_per_second"]
        for turn in rounds
        # Else they were not measured in one go.
        if ours[turn]["revision"] == theirs[turn]["revision"]
    ]


def fastest(rows, network, side):
    """Rows by round, at the thread setting with the best median."""
    tried = [chosen(rows, network, side + tail) for tail in THREADS]
    return max(tried, key=median_speed)


def median_speed(rows):
    """The median over the rounds; 0 where there are none."""
    speeds = [row["images_per_second"] for row in rows.values()]
    return np.median(speeds) if speeds else 0.0


def spread(values, digits):
    """Median, and least to most behind it."""
    text = f"{np.median(values):,.{digits}f}"
    if len(values) > 1:
        text += f" ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
    return text
