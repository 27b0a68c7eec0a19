"""The PyTorch side of `throughput.py`; imports nothing of keras_gan.

Written as one who knows PyTorch would: images rest as uint8 in one tensor and
are gathered by a permutation, fakes of the discriminator's half are made
without gradient, the discriminator's weights ask for none in the generator's,
Adam is the fused one, and convolutions run channels-last, on CPU the faster
layout (`+nchw` is the other). Called by the driver, with a task in JSON.
"""

import contextlib
import json
import math
import sys
import time

import numpy as np
import throughput_timing as timing
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2


def same_conv(inputs, outputs, kernel=3, bias=True, **kwargs):
    """A convolution that keeps the size."""
    padding = kernel // 2
    return nn.Conv2d(
        inputs, outputs, kernel, padding=padding, bias=bias, **kwargs
    )


def mlp(image_shape, latent_dim, units):
    """Perceptrons, as `architectures.mlp`."""
    height, width, channels = image_shape
    size = height * width * channels

    def hidden(widths):
        parts = []
        for a, b in zip(widths, widths[1:]):
            parts += [nn.Linear(a, b), nn.LeakyReLU(SLOPE)]
        return parts

    generator = nn.Sequential(
        *hidden([latent_dim, *units]),
        nn.Linear(units[-1], size),
        nn.Unflatten(1, (channels, height, width)),
        nn.Tanh(),
    )
    backwards = list(reversed(units))
    discriminator = nn.Sequential(
        nn.Flatten(), *hidden([size, *backwards]), nn.Linear(units[0], 1)
    )
    return generator, discriminator


def dcgan(image_shape, latent_dim, widths):
    """Strided convolutions, as `architectures.dcgan`."""
    height, width, channels = image_shape
    base = height >> len(widths), width >> len(widths)

    def norm(filters):
        return [nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.ReLU()]

    first = widths[-1]
    parts = [
        nn.Linear(latent_dim, base[0] * base[1] * first, bias=False),
        nn.Unflatten(1, (first, *base)),
        *norm(first),
    ]
    inwards = [channels, *widths]
    for b, a in reversed(list(zip(inwards[1:], inwards[2:]))):
        parts.append(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False))
        parts += norm(b)
    parts += [nn.ConvTranspose2d(widths[0], channels, 4, 2, 1), nn.Tanh()]
    judge = []
    for a, b in zip(inwards, inwards[1:]):
        judge += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(SLOPE)]
    judge += [nn.Flatten(), nn.Linear(base[0] * base[1] * first, 1)]
    return nn.Sequential(*parts), nn.Sequential(*judge)


class GeneratorBlock(nn.Module):
    """Doubles the resolution, behind batch normalisation."""

    def __init__(self, inputs, filters):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = same_conv(inputs, filters)
        self.norm2 = nn.BatchNorm2d(filters)
        self.conv2 = same_conv(filters, filters)
        self.shortcut = nn.Conv2d(inputs, filters, 1)

    def forward(self, x):
        """A pass."""
        y = F.interpolate(F.relu(self.norm1(x)), scale_factor=2)
        y = self.conv2(F.relu(self.norm2(self.conv1(y))))
        return y + F.interpolate(self.shortcut(x), scale_factor=2)


class DiscriminatorBlock(nn.Module):
    """Two convolutions, spectrally normalised, and a shortcut."""

    def __init__(self, inputs, filters, halve, first):
        super().__init__()
        inner = filters if first else inputs
        self.halve, self.first, self.shortcut = halve, first, None
        self.conv1 = spectral_norm(same_conv(inputs, inner))
        self.conv2 = spectral_norm(same_conv(inner, filters))
        if halve or inputs != filters:
            self.shortcut = spectral_norm(nn.Conv2d(inputs, filters, 1))

    def forward(self, x):
        """A pass."""
        y = x if self.first else F.relu(x)
        y = self.conv2(F.relu(self.conv1(y)))
        if self.halve:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        return y + (x if self.shortcut is None else self.shortcut(x))


class SumPool(nn.Module):
    """ReLU and the sum over the positions."""

    def forward(self, x):
        """A pass."""
        return F.relu(x).sum((2, 3))


def sn_resnet(image_shape, latent_dim, g_width, d_width):
    """Residual players up to 32 pixels, as `architectures.sn_resnet`."""
    height, width, channels = image_shape
    stages = int(math.log2(height // 4))
    base = height >> stages, width >> stages
    generator = nn.Sequential(
        nn.Linear(latent_dim, base[0] * base[1] * g_width),
        nn.Unflatten(1, (g_width, *base)),
        *(GeneratorBlock(g_width, g_width) for _ in range(stages)),
        nn.BatchNorm2d(g_width),
        nn.ReLU(),
        same_conv(g_width, channels),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        DiscriminatorBlock(channels, d_width, True, True),
        DiscriminatorBlock(d_width, d_width, True, False),
        DiscriminatorBlock(d_width, d_width, False, False),
        DiscriminatorBlock(d_width, d_width, False, False),
        SumPool(),
        spectral_norm(nn.Linear(d_width, 1)),
    )
    return generator, discriminator


class Residual(nn.Module):
    """`x + f(x)`, a bottleneck of a quarter of the width."""

    def __init__(self, filters):
        super().__init__()
        inner = max(filters // 4, 1)
        self.block = nn.Sequential(
            nn.Conv2d(filters, inner, 1),
            nn.LeakyReLU(SLOPE),
            same_conv(inner, inner),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(inner, filters, 1, bias=False),
        )

    def forward(self, x):
        """A pass."""
        return x + self.block(x)


class Basis(nn.Module):
    """A learned map of features, weighted by a code."""

    def __init__(self, filters, base):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, filters, *base))

    def forward(self, code):
        """A pass."""
        return self.weight * code[:, :, None, None]


class BlurPool(nn.Module):
    """The filter [1, 2, 1] / 4 along both axes, every second value kept."""

    def __init__(self, filters):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = torch.outer(row, row).expand(filters, 1, 3, 3).clone()
        self.register_buffer("kernel", kernel)

    def forward(self, x):
        """A pass."""
        filters = self.kernel.shape[0]
        return F.conv2d(x, self.kernel, stride=2, padding=1, groups=filters)


def r3gan(image_shape, latent_dim, width):
    """Residual players of config D, two blocks a resolution, one width."""
    height, rows, channels = image_shape
    stages = int(math.log2(height // 4))
    base = height >> stages, rows >> stages

    def blocks():
        return [Residual(width), Residual(width)]

    up, down = [], []
    for _ in range(stages):
        up += [nn.Upsample(scale_factor=2, mode="bilinear"), *blocks()]
        down += [*blocks(), BlurPool(width)]
    generator = nn.Sequential(
        nn.Linear(latent_dim, width, bias=False),
        Basis(width, base),
        *blocks(),
        *up,
        nn.Conv2d(width, channels, 1, bias=False),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(channels, width, 1, bias=False),
        *down,
        *blocks(),
        nn.Conv2d(width, width, base, groups=width, bias=False),
        nn.Flatten(),
        nn.Linear(width, 1, bias=False),
    )
    return generator, discriminator


def start(player):
    """Glorot's uniform start and biases of 0, as Keras has it."""
    for module in player.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in player.modules():
        if isinstance(module, Residual):
            nn.init.zeros_(module.block[-1].weight)


class Trainer:
    """Two players and the step that trains them.

    Args:
        task: dictionary of the driver.
    """

    def __init__(self, task):
        network = task["network"]
        self.choices = set(task["choices"])
        self.latent_dim = network["latent_dim"]
        players = globals()[network["architecture"]](
            network["image_shape"], self.latent_dim, **network["arguments"]
        )
        for player in players:
            start(player)
        if "nchw" not in self.choices and network["architecture"] != "mlp":
            players = [p.to(memory_format=torch.channels_last) for p in players]
        self.players = self.generator, self.discriminator = players
        adam = task["adam"]
        options = {
            "lr": adam["learning_rate"],
            "betas": (adam["beta_1"], adam["beta_2"]),
            "eps": adam["epsilon"],
            "fused": True,
        }
        self.g_optimizer, self.d_optimizer = (
            torch.optim.Adam(player.parameters(), **options)
            for player in players
        )
        self.gamma = task["gamma"]
        if "compile" in self.choices:
            self.generator = torch.compile(self.generator)
            self.discriminator = torch.compile(self.discriminator)

    def parameters(self):
        """How many, of both players."""
        return [sum(p.numel() for p in q.parameters()) for q in self.players]

    def precision(self):
        """The context of a forward pass."""
        if "bfloat16" in self.choices:
            return torch.autocast("cpu", torch.bfloat16)
        return contextlib.nullcontext()

    def draw(self, count):
        """Latents."""
        return torch.randn(count, self.latent_dim)

    def step(self, real):
        """One step of both players; their losses."""
        d_loss = self.discriminator_loss(real)
        self.d_optimizer.zero_grad(set_to_none=True)
        d_loss.backward()
        self.d_optimizer.step()
        self.players[1].requires_grad_(False)
        g_loss = self.generator_loss(real)
        self.g_optimizer.zero_grad(set_to_none=True)
        g_loss.backward()
        self.g_optimizer.step()
        self.players[1].requires_grad_(True)
        return d_loss.detach(), g_loss.detach()

    def discriminator_loss(self, real):
        """Its loss, and its penalties where there are some."""
        with self.precision():
            with torch.no_grad():
                fake = self.generator(self.draw(len(real)))
            if "r1r2" in self.choices:
                real, fake = real.requires_grad_(), fake.requires_grad_()
            r = self.discriminator(real).float()
            f = self.discriminator(fake).float()
        if "r1r2" not in self.choices:
            return (F.softplus(-r) + F.softplus(f)).mean()
        slopes = torch.autograd.grad(
            r.sum() + f.sum(), (real, fake), create_graph=True
        )
        norms = sum(slope.square().sum((1, 2, 3)) for slope in slopes)
        return F.softplus(f - r).mean() + self.gamma / 2 * norms.mean()

    def generator_loss(self, real):
        """Its loss."""
        with self.precision():
            fake = self.generator(self.draw(len(real)))
            f = self.discriminator(fake).float()
            if "r1r2" not in self.choices:
                return F.softplus(-f).mean()
            with torch.no_grad():
                r = self.discriminator(real).float()
        return F.softplus(r - f).mean()


def batches(path, batch_size, channels_last):
    """Batches in [-1, 1] without end, in a new order each epoch."""
    images = torch.from_numpy(np.load(path)).permute(0, 3, 1, 2)
    if not channels_last:
        images = images.contiguous()
    while True:
        order = torch.randperm(len(images))
        for rows in order.split(batch_size):
            if len(rows) == batch_size:
                yield images[rows].float().div_(127.5).sub_(1.0)


def train(task):
    """A training run."""
    size, steps = task["batch_size"], task["steps"]
    channels_last = task["network"]["architecture"] != "mlp"
    channels_last &= "nchw" not in task["choices"]
    data = batches(task["data"], size, channels_last)
    clock = timing.Clock(size * steps)
    trainer = Trainer(task)
    trainer.step(next(data))
    clock.first_step_done()
    for _ in range(task["warm_up"]):
        trainer.step(next(data))
    for _ in range(task["chunks"]):
        losses = []
        clock.begin()
        for _ in range(steps):
            losses.append(torch.stack(trainer.step(next(data))))
        clock.end(*torch.stack(losses).mean(0))
    return clock.row(*trainer.parameters())


def generate(task):
    """A run that only generates."""
    trainer = Trainer(task)
    generator = trainer.generator.eval()

    def draw():
        parts = [
            generator(trainer.draw(task["batch_size"]))
            for _ in range(task["count"] // task["batch_size"])
        ]
        return torch.cat(parts).numpy()

    with torch.inference_mode():
        return timing.generation_row(
            draw, task["count"], task["chunks"], trainer.parameters()[0]
        )


def quality(task):
    """Seconds to the checkpoints; see `time_to_quality.py`."""
    torch.manual_seed(task["seed"])
    start, seconds = time.perf_counter(), []
    data = batches(task["data"], task["batch_size"], channels_last=True)
    trainer = Trainer(task)
    for step in range(1, 1 + max(task["checkpoints"])):
        trainer.step(next(data))
        if step in task["checkpoints"]:
            now = time.perf_counter()
            seconds.append(round(now - start, 3))
            np.save(f"{task['folder']}/{step}.npy", fakes(trainer, task))
            start += time.perf_counter() - now
    return {"seconds": seconds}


def fakes(trainer, task):
    """Images of a trained generator, channels behind."""
    generator = trainer.generator.eval()
    with torch.inference_mode():
        parts = [
            generator(trainer.draw(500)) for _ in range(task["count"] // 500)
        ]
    trainer.generator.train()
    return torch.cat(parts).permute(0, 2, 3, 1).contiguous().numpy()


PARTS = {"training": train, "generation": generate, "quality": quality}


def main():
    """Do the task and print what was found."""
    task = json.loads(sys.argv[1])
    torch.manual_seed(0)
    found = PARTS[task["part"]](task)
    found["made_with"] = f"torch {torch.__version__}"
    print(json.dumps(found))


if __name__ == "__main__":
    main()
