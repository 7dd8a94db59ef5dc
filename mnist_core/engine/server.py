"""The engine: a process of its own that owns the workers, hands out waiting runs, and outlives web servers.

``python -m mnist_core.engine.server`` starts it; the dashboard and the command line do that by themselves. Only
one engine serves a store (``store.lease``); a second one ends at once.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

from distributed import Client

from mnist_core import logs
from mnist_core.engine import cluster
from mnist_core.engine.dispatch import Dispatcher
from mnist_core.errors import EngineError, LabError
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import Lease, is_loopback

log = logging.getLogger("mnist_core.engine")

GONE = (
    "The Dask scheduler at {address} is gone, and its workers end with it. Start both again (dask scheduler, then "
    "dask worker): runs go on from their last epoch."
)
ENDED = (
    "its own Dask scheduler has ended; its log at {log} says more. It is started again with its workers, and runs go "
    "on from their last epoch."
)
FAILED = "something in it went wrong ({error}); its log at {log} says more. It is started again."

TURN_SECONDS = 0.0005
"""How long the thread that looks after the queue may compute before Dask's scheduler, which all questions and answers
pass, gets its turn: by itself Python would let it wait for 5 ms, at each of a drawing's steps."""

TICK_SECONDS = 0.1
BEAT_SECONDS = 1.0

REACH_SECONDS = 10
"""How long a scheduler on another machine may take to answer."""


def serve(settings: Settings) -> int:
    """Runs the engine until nobody needs it, or a signal ends it. Gives the exit code."""
    store = RunStore(settings.database_url)
    lease = Lease(store.database)
    if not lease.take():
        log.info("another engine serves this store")
        return 0
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with ExitStack() as stack:
            client, look_after = _connect(settings, stack)
            log.info("engine ready at %s", client.scheduler.address)
            dispatcher = Dispatcher(settings, store, client)
            if _loop(dispatcher, lease, client.scheduler.address, settings, stopping, look_after):
                with suppress(LabError):
                    lease.renew("ending")  # whoever comes while the workers end waits for the next engine
                stack.close()
                with suppress(LabError):  # else the next engine finds them left behind
                    dispatcher.hand_back()
    except Exception as error:
        # Whatever keeps the engine from working must be seen on the pages, not only here.
        log.exception("the engine cannot work")
        failed = FAILED.format(error=type(error).__name__, log=settings.log_file)
        lease.renew("broken", problem=str(error) if isinstance(error, LabError) else failed)
        return 1
    lease.release()
    return 0


def _connect(settings: Settings, stack: ExitStack) -> tuple[Client, Callable[[], None]]:
    """Starts a local cluster, or joins the one that the settings name. Gives what looks after its workers, too."""
    address, look_after = settings.scheduler, lambda: None
    if not address:
        local = stack.enter_context(cluster.start(settings))
        address, look_after = local.scheduler_address, partial(cluster.keep_whole, local)
    elif settings.database_url.startswith("sqlite") and not is_loopback(address):
        raise EngineError(
            f"MNIST_LAB_SCHEDULER names {address}, whose workers cannot reach the SQLite file on this machine. "
            f"Set MNIST_LAB_DATABASE to a database that all machines reach."
        )
    try:
        return stack.enter_context(Client(address, set_as_default=False, timeout=REACH_SECONDS)), look_after
    except (OSError, ValueError) as error:
        if not settings.scheduler:
            raise EngineError(ENDED.format(log=settings.log_file)) from error
        raise EngineError(
            f"The Dask scheduler at {address} does not answer ({type(error).__name__}). Start it with "
            f"`dask scheduler`, and workers with `dask worker`, or mend MNIST_LAB_SCHEDULER; it is tried again."
        ) from None


def _loop(
    dispatcher: Dispatcher,
    lease: Lease,
    address: str,
    settings: Settings,
    stopping: threading.Event,
    look_after: Callable[[], None],
) -> bool:
    """Rounds of work; at their end, whether this process still is the engine."""
    last_beat = float("-inf")
    while not stopping.wait(TICK_SECONDS):
        if dispatcher.scheduler == "gone":
            raise EngineError((GONE if settings.scheduler else ENDED).format(address=address, log=settings.log_file))
        try:
            looked = time.monotonic() - last_beat >= BEAT_SECONDS
            if looked:
                if not lease.renew("ready", address, dispatcher.beat()):
                    log.warning("another engine has taken over")
                    return False
                look_after()
                last_beat = time.monotonic()
            dispatcher.tick()
            # Only just after it was seen who is here and what there is to do.
            if looked and dispatcher.idle_seconds > settings.idle_seconds:
                log.info("nobody needs the engine; it ends")
                break
        except LabError as error:
            # The store may be full or locked for a while: wait for it, do not give up the runs.
            log.error("%s", error)
            if dispatcher.idle_seconds > settings.idle_seconds and not dispatcher.busy:
                log.info("the store cannot be reached, and nothing trains; the engine ends")
                break
            stopping.wait(BEAT_SECONDS)
        except Exception as error:
            # Dask tells of a scheduler that has just vanished by many kinds of errors, and a moment later that it has.
            # Meanwhile the connection may be restored.
            before = dispatcher.scheduler
            stopping.wait(BEAT_SECONDS)
            if before == dispatcher.scheduler == "there":
                raise
            log.warning("the scheduler does not answer (%s)", type(error).__name__)
    return True


def main() -> int:
    logs.to_stderr("engine")
    sys.setswitchinterval(TURN_SECONDS)
    try:
        return serve(Settings.from_environment())
    except LabError as error:
        log.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
