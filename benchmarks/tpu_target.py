"""Compiles programs of XLA for a TPU that is not there; called by tpu_compile.

    python benchmarks/tpu_target.py v5e:2x2 4 step.hlo

Runs where `libtpu` and `jax` are installed, which TensorFlow need not be. Reads
serialized HLO, splits parameter 0, the batch, over the cores and prints as JSON
what the compiler of libtpu says of the program of one core. Uses names of jax
that are not public: jax 0.10.2 and libtpu 0.0.52 are known to work.
"""

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


def main(target, num_cores, path):
    """Prints what one core needs for the program in a file."""
    topology = topologies.get_topology_desc(target, platform="tpu")
    devices = topology.devices[:num_cores]
    with open(path, "rb") as file:
        module = stable_module(file.read(), num_cores)
    options = compiler.get_compile_options(
        num_replicas=1,
        num_partitions=num_cores,
        device_assignment=[[device.id for device in devices]],
    )
    build = options.executable_build_options
    build.use_spmd_partitioning = num_cores > 1
    build.use_shardy_partitioner = False
    start = time.perf_counter()
    compiled = devices[0].client.compile(
        module, _jax.DeviceList(tuple(devices)), options
    )
    seconds = time.perf_counter() - start
    print(json.dumps({"compile_s": round(seconds, 1), **facts(compiled)}))


def stable_module(serialized, num_cores):
    """HLO as StableHLO, parameter 0 split over the cores."""
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
        if num_cores > 1:
            split_batch(module, num_cores)
    return module


def split_batch(module, num_cores):
    """Says of each argument of the entry where it lies."""
    entry = next(op for op in module.body if op.sym_name.value == "main")
    rank = len(ir.RankedTensorType(entry.arguments[0].type).shape)
    tiles = ",".join([str(num_cores), *["1"] * (rank - 1)])
    split = f"{{devices=[{tiles}]<=[{num_cores}]}}"
    places = [split] + ["{replicated}"] * (len(entry.arguments) - 1)
    attributes = []
    for place, old in zip(places, argument_attributes(entry)):
        attributes.append({**old, "mhlo.sharding": ir.StringAttr.get(place)})
    entry.arg_attrs = ir.ArrayAttr.get(
        [ir.DictAttr.get(each) for each in attributes]
    )


def argument_attributes(entry):
    """Dictionaries of what is known of each argument."""
    try:
        return [{a.name: a.attr for a in each} for each in entry.arg_attrs]
    except (KeyError, AttributeError):
        return [{} for _ in entry.arguments]


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
        "all_reduces": len(re.findall(r"= .*? all-reduce(?:-start)?\(", text)),
        "host_transfers": len(re.findall(r"is_host_transfer=true", text)),
        "custom_calls": sorted(
            set(re.findall(r'custom_call_target="([^"]*)"', text))
        ),
        "jax": jax.__version__,
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
