"""Compiles programs of XLA for a TPU that is not there; called by tpu_compile.

    python benchmarks/tpu_target.py v5e:2x2 step.hlo

Runs where `libtpu` and `jax` are installed, which TensorFlow need not be. Reads
serialized HLO and prints as JSON what the compiler of libtpu says of it. Uses
names of jax that are not public: known to work with jax 0.10.2, libtpu 0.0.52.
"""

import importlib.metadata
import json
import os
import re
import sys
import time

# libtpu asks the machine's metadata server and waits long where there is none.
os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
os.environ.setdefault("TPU_WORKER_ID", "0")

import jax
from jax._src import compiler
from jax._src.interpreters import mlir
from jax.experimental import topologies
from jaxlib import _jax
from jaxlib.mlir import ir


def main(target, path):
    """Prints what one core needs for the program in a file."""
    topology = topologies.get_topology_desc(target, platform="tpu")
    device = topology.devices[0]
    with open(path, "rb") as file:
        module = stable_module(file.read())
    options = compiler.get_compile_options(
        num_replicas=1, num_partitions=1, device_assignment=[[device.id]]
    )
    start = time.perf_counter()
    compiled = device.client.compile(
        module, _jax.DeviceList((device,)), options
    )
    seconds = time.perf_counter() - start
    print(json.dumps({"compile_s": round(seconds, 1), **facts(compiled)}))


def stable_module(serialized):
    """HLO as StableHLO."""
    with mlir.make_ir_context():
        module = ir.Module.parse(_jax.mlir.hlo_to_stablehlo(serialized))
        # They pin the layout of the results and are no part of StableHLO.
        copies = []

        def collect(op):
            if op.name == "mhlo.copy":
                copies.append(op)
            return ir.WalkResult.ADVANCE

        module.operation.walk(collect)
        for op in copies:
            op.results[0].replace_all_uses_with(op.operands[0])
            op.erase()
    return module


def facts(compiled):
    """Memory, operations and the compiler's estimate of time, a core."""
    memory = compiled.get_compiled_memory_stats()
    text = compiled.hlo_modules()[0].to_string()
    cycles = re.findall(r'"estimated_cycles":"(\d+)"', text)
    kept = memory.argument_size_in_bytes + memory.output_size_in_bytes
    kept -= memory.alias_size_in_bytes
    cost = compiled.cost_analysis()
    return {
        "cycles": sum(map(int, cycles)),
        "gflop": round(cost["flops"] / 1e9, 3),
        "gbyte_accessed": round(cost["bytes accessed"] / 1e9, 3),
        "kept_mb": round(kept / 1e6, 2),
        "temporary_mb": round(memory.temp_size_in_bytes / 1e6, 2),
        "code_mb": round(memory.generated_code_size_in_bytes / 1e6, 2),
        "host_transfers": len(re.findall(r"is_host_transfer=true", text)),
        "custom_calls": sorted(
            set(re.findall(r'custom_call_target="([^"]*)"', text))
        ),
        "jax": jax.__version__,
        "libtpu": importlib.metadata.version("libtpu"),
    }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
