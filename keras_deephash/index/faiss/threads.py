"""The number of faiss threads: one for each CPU of the process."""

import math
import os
from functools import cache

CGROUP_QUOTA = "/sys/fs/cgroup/cpu.max"


def available_cpus() -> int:
    """The CPUs that this process may use: its affinity, and its container's quota."""
    if hasattr(os, "sched_getaffinity"):
        cpus = len(os.sched_getaffinity(0))
    else:
        cpus = os.cpu_count() or 1
    try:
        with open(CGROUP_QUOTA, encoding="ascii") as file:
            quota, period = file.read().split()
        if quota != "max":
            cpus = min(cpus, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # No control group, or none of version 2.
    return max(1, cpus)


@cache
def load_faiss():
    """The module faiss, its threads set once.

    OpenMP starts a thread for each CPU of the machine. Where the process has fewer,
    they wait for one another in spinning barriers, three to six times slower.
    `OMP_NUM_THREADS` is respected.
    """
    import faiss

    if not os.environ.get("OMP_NUM_THREADS"):
        faiss.omp_set_num_threads(min(available_cpus(), faiss.omp_get_max_threads()))
    return faiss
