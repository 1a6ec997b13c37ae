"""The machine that trains: its devices, half precision, and several GPUs at once."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras


@contextmanager
def ready(mixed_precision: bool) -> Iterator[dict[str, Any]]:
    """Build and train networks in here; gives what a run records of the machine. Networks built before are forgotten.

    Parameters
    ----------
    mixed_precision : bool
        Half precision inside the networks where there is a GPU; a CPU never takes it.

    Notes
    -----
    Under TensorFlow several GPUs learn together (`tf.distribute.MirroredStrategy`).
    """
    keras.utils.clear_session(free_memory=True)
    backend = keras.backend.backend()
    gpus = _gpus(backend)
    half = mixed_precision and gpus > 0
    before = keras.config.dtype_policy()
    if half:
        keras.config.set_dtype_policy("mixed_float16")
    try:
        with _all_of(gpus) if backend == "tensorflow" and gpus > 1 else nullcontext():
            yield {
                "backend": backend,
                "backend_version": _version("torch" if backend == "torch" else backend),
                "gpus": gpus,
                "mixed_precision": half,
            }
    finally:
        keras.config.set_dtype_policy(before)


def _gpus(backend: str) -> int:
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - whichever of the three is there

        found = tf.config.list_physical_devices("GPU")
        for gpu in found:
            tf.config.experimental.set_memory_growth(gpu, True)
        return len(found)
    if backend == "torch":
        import torch  # noqa: PLC0415

        return int(torch.cuda.device_count())
    if backend == "jax":
        import jax  # noqa: PLC0415

        return len(jax.devices()) if jax.default_backend() == "gpu" else 0
    return 0


def _all_of(gpus: int) -> Any:
    import tensorflow as tf  # noqa: PLC0415

    return tf.distribute.MirroredStrategy([f"/gpu:{index}" for index in range(gpus)]).scope()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
