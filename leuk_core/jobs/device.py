"""On what a job can run here: NVIDIA cards, told by nvidia-smi, or else the processor. TensorFlow is not loaded."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from typing import Literal

import psutil

_QUESTION = ("--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Device:
    """A card, or the processor of this machine.

    Parameters
    ----------
    id : str
        What a lease is on: a card's UUID, or "cpu:" and the machine's name.
    name : str
        As people know it.
    kind : {"gpu", "cpu"}
        Which of the two.
    memory : int
        In megabytes (2**20 bytes): the card's, or the machine's.
    """

    id: str
    name: str
    kind: Literal["gpu", "cpu"]
    memory: int

    @property
    def words(self) -> str:
        """Name and memory."""
        return f"{self.name} ({self.memory / 1024:.0f} GB)"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to see this device and no other card."""
        return {"CUDA_VISIBLE_DEVICES": self.id} if self.kind == "gpu" else {}


def found_device() -> Device:
    """Return the device that a job would get first."""
    return found_devices()[0]


def found_devices() -> tuple[Device, ...]:
    """Return the cards that CUDA_VISIBLE_DEVICES allows; where there is none, the processor."""
    return _cards() or (_processor(),)


def _processor() -> Device:
    cores = os.cpu_count() or 1
    memory = psutil.virtual_memory().total // 2**20
    return Device(f"cpu:{platform.node()}", f"processor, {cores} cores", "cpu", memory)


def _cards() -> tuple[Device, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        told = subprocess.run(  # noqa: S603 - NVIDIA's own program, fixed arguments
            [program, *_QUESTION], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return read_cards(told, os.environ.get("CUDA_VISIBLE_DEVICES"))


def read_cards(told: str, visible: str | None) -> tuple[Device, ...]:
    r"""Return the cards of nvidia-smi's lines that `visible` allows (numbers or UUIDs; None allows all).

    Examples
    --------
    >>> lines = "0, GPU-1a, NVIDIA T4, 15360\n1, GPU-2b, NVIDIA L4, 23034\n"
    >>> [card.words for card in read_cards(lines, visible=None)]
    ['NVIDIA T4 (15 GB)', 'NVIDIA L4 (22 GB)']
    >>> [card.id for card in read_cards(lines, visible="1")]
    ['GPU-2b']
    """
    allowed = None if visible is None else [entry.strip() for entry in visible.split(",") if entry.strip()]
    found = []
    for line in told.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 4:
            continue
        index, uuid, name, memory = fields
        fits = allowed is None or any(entry == index or uuid.startswith(entry) for entry in allowed)
        if fits:
            found.append(Device(uuid, name, "gpu", int(memory) if memory.isdigit() else 0))
    return tuple(found)
