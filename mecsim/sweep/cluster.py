"""Jobs on the nodes of a Ray cluster: what `run_jobs` does where it is given a `Cluster`.

A job goes to a node as bytes, with the digest of the code that it is of, and its result comes back as bytes: nodes
need the same mecsim, and no folder in common unless a job itself reads or writes one. A job whose process or node is
lost is given to another one, which changes nothing of its result.
"""

import importlib.util
import logging
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from mecsim.core.machine import cores
from mecsim.core.sources import code_digest
from mecsim.errors import InputError, MecsimError
from mecsim.version import __version__

Job = TypeVar("Job")
Result = TypeVar("Result")

RETRIES = 3
"""How often a job is tried again that was lost with its process or its node."""

REACH_S = 10.0
"""How long a cluster may take to answer."""

OBJECTS_BYTE = 200 * 2**20
"""Of the memory that a cluster of this machine alone shares among its processes: jobs and results pass through it."""

_POLL_S, _END_S = 1.0, 5.0
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""Of HTTP/2, which Ray speaks (RFC 9113, 3.4): both sides begin with their settings, which may be none."""
_FRAME_HEADER_BYTE, _SETTINGS_FRAME = 9, 4
_LOG = logging.getLogger(__name__)


class Cluster(NamedTuple):
    """A Ray cluster, and what each job needs of a node of it."""

    address: str  # HOST:PORT, `auto` for the one that this machine is a node of, `local` for one of this machine alone
    threads: int = 1
    memory_byte: float = 0.0
    gpus: float = 0.0  # 0.25 for four jobs that share one
    processes: int | None = None  # jobs at the same time; as many as there is room for if not given

    def room(self, resources: dict[str, float]) -> int:
        """How many jobs fit on a node at the same time."""
        needed = {"CPU": self.threads, "memory": self.memory_byte, "GPU": self.gpus}
        return int(min(resources.get(name, 0.0) / need for name, need in needed.items() if need))


def cluster_at(
    address: str, threads: int = 1, memory_byte: float = 0.0, gpus: float = 0.0, processes: int | None = None
) -> Cluster:
    """A cluster, after a look at whether it is there; asked before anything is written.

    Raises:
        InputError: Ray is missing, or it is no address; MecsimError: nobody answers there.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("--ray needs Ray: pip install 'mecsim[ray]'")
    if address not in ("auto", "local"):
        _check_reachable(address)
    return Cluster(address, threads, memory_byte, gpus, processes)


def run_on_ray(
    function: Callable[[Job], Result], jobs: Sequence[Job], cluster: Cluster, ordered: bool = True
) -> Generator[Result]:
    """Yield `function(job)` for each job, in order, or as they are done; see `run_jobs`.

    Whatever ends this ends what still runs of it on the cluster. A job is called by its `str` when it fails.

    Raises:
        InputError: no node has what a job needs, or a node has another mecsim.
        MecsimError: the cluster cannot be reached, or a job was lost again and again.
    """
    if not jobs:
        return
    with _connected(cluster) as ray:
        room = _room(ray, cluster)
        from ray import cloudpickle

        remote = ray.remote(_job_of_a_node()).options(
            num_cpus=cluster.threads, num_gpus=cluster.gpus, memory=int(cluster.memory_byte), max_retries=0
        )
        told = (__version__, code_digest()[:16]), os.getcwd(), cluster.threads, ray.put(cloudpickle.dumps(function))
        left, running, done = deque(range(len(jobs))), dict[Future[Any], tuple[int, Any]](), dict[int, Any]()
        lost, following = dict[int, int](), 0

        def start(number: int) -> None:
            reference = remote.remote(*told, cloudpickle.dumps(jobs[number]))
            running[reference.future()] = number, reference

        try:
            while left or running:
                most = cluster.processes or 2 * room + 1  # one more for each, that it need not wait
                while left and len(running) + len(done) < most:
                    start(left.popleft())
                # Waiting in Ray itself would make any signal a KeyboardInterrupt.
                ready, _ = wait(running, _POLL_S, FIRST_COMPLETED)
                if not ready:
                    room = _room(ray, cluster)
                for future in ready:
                    number, _ = running.pop(future)
                    try:
                        done[number] = _result(future, jobs[number])
                    except _LostError as loss:
                        lost[number] = lost.get(number, 0) + 1
                        if lost[number] > RETRIES:
                            raise MecsimError(f"{jobs[number]}: {loss}, {lost[number]} times") from None
                        _LOG.warning("%s: %s; tried again", jobs[number], loss)
                        start(number)
                for number in sorted(done):
                    if not ordered or number == following:
                        following += 1
                        yield done.pop(number)
        finally:
            for _, reference in running.values():
                ray.cancel(reference, force=True)
            wait(running, _END_S)


@lru_cache(maxsize=1)
def unpacked(function: bytes) -> Callable[[Any], Any]:
    """The function of jobs that come one after another, which may hold much."""
    from ray import cloudpickle

    found: Callable[[Any], Any] = cloudpickle.loads(function)
    return found


class _LostError(Exception):
    """A job was lost through no fault of its own."""


def _result(future: Future[Any], job: object) -> Any:
    """What a job came to; what it raised is raised here."""
    from ray import cloudpickle, exceptions

    try:
        refused, packed = future.result()
    except exceptions.RayTaskError as error:
        if isinstance(error.cause, Exception):
            raise error.cause from error
        raise MecsimError(f"{job}: {error}") from error
    except exceptions.OutOfMemoryError:
        raise _LostError("its node ran out of memory") from None
    except exceptions.WorkerCrashedError:
        raise _LostError("its process was ended from outside") from None
    except (exceptions.NodeDiedError, exceptions.ObjectLostError, exceptions.LocalRayletDiedError):
        raise _LostError("its node is gone") from None
    except exceptions.RayError as error:
        raise MecsimError(f"{job}: Ray: {str(error).strip().splitlines()[0]}") from error
    if refused:
        raise InputError(refused)
    return cloudpickle.loads(packed)


def _job_of_a_node() -> Callable[..., tuple[str, bytes]]:
    """What a node runs. Made here so that it goes there as it is: there may be another mecsim, or none."""

    def mecsim_job(code: tuple[str, str], folder: str, threads: int, function: bytes, job: bytes) -> tuple[str, bytes]:
        import os
        import platform

        try:
            from mecsim.core.sources import code_digest
            from mecsim.sweep.cluster import unpacked
            from mecsim.version import __version__

            found = (__version__, code_digest()[:16])
        except ImportError:
            found = ("none", "")
        if found != tuple(code):
            return (
                f"{platform.node()}: has mecsim {' '.join(found).strip()}, not {' '.join(code)} as here; "
                "install the same on all nodes"
            ), b""
        from ray import cloudpickle

        from mecsim.core.threads import use_threads

        if os.path.isdir(folder):  # paths that are relative mean the same where folders are shared
            os.chdir(folder)
        use_threads(threads)
        return "", cloudpickle.dumps(unpacked(function)(cloudpickle.loads(job)))

    return mecsim_job


def _room(ray: ModuleType, cluster: Cluster) -> int:
    """How many jobs fit on all nodes at the same time.

    Raises:
        InputError: none, on no node.
    """
    room = sum(cluster.room(node["Resources"]) for node in ray.nodes() if node["Alive"])
    if not room:
        needs = f"{cluster.threads} cores, {cluster.memory_byte / 2**30:.1f} GiB"
        needs += f" and {cluster.gpus:g} GPUs" if cluster.gpus else ""
        raise InputError(f"--ray {cluster.address}: no node has {needs} for one job; ask for less, or add such a node")
    return room


@contextmanager
def _connected(cluster: Cluster) -> Iterator[ModuleType]:
    """Ray, connected to a cluster; one of this machine alone is begun and ended here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # it would warn of what it does by default
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "10")  # seconds until it gives up
    import ray

    if ray.is_initialized():  # by who calls us, to whom it is left
        yield ray
        return
    settings: dict[str, Any] = {}
    if cluster.address == "local":
        processors = max(cores(), (cluster.processes or 1) * cluster.threads)
        settings = {"num_cpus": processors, "object_store_memory": OBJECTS_BYTE, "include_dashboard": False}
    with _signals_kept():
        try:
            ray.init(cluster.address, logging_level=logging.CRITICAL, log_to_driver=False, **settings)
        except (ConnectionError, RuntimeError, ValueError) as error:
            told = str(error).strip().splitlines()[0]
            raise MecsimError(f"--ray {cluster.address}: no Ray cluster answers there: {told}") from None
    from ray._private import worker

    worker.print_to_stdstream = _unprinted
    try:
        yield ray
    finally:
        ray.shutdown()


def _unprinted(data: object, ignore_prefix: bool) -> None:
    """What Ray would print of lost nodes and processes, to stdout and by numbers of its own; we tell it by the job."""


def _check_reachable(address: str) -> None:
    """Ray itself waits for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise InputError(
            f"--ray {address}: expected auto, local, or HOST:PORT of a cluster's head, such as 10.0.0.1:6379"
        )
    asked = f"--ray {address}: no Ray cluster answers there"
    cure = "is it the address that `ray start --head` told?"
    try:
        with socket.create_connection((host, int(port)), REACH_S) as peer:
            if os.environ.get("RAY_USE_TLS") == "1":  # then it answers to nobody who has no certificate
                return
            peer.sendall(_GREETING)
            answer = peer.recv(_FRAME_HEADER_BYTE)
    except (OSError, OverflowError) as error:
        raise MecsimError(f"{asked}: {error}; {cure}") from None
    if len(answer) < _FRAME_HEADER_BYTE or answer[3] != _SETTINGS_FRAME:
        raise MecsimError(f"{asked}, but something else; {cure}")


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Signals stay with who handles them: Ray takes SIGTERM for itself."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)
