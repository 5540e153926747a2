"""The command of every process of MS5: one table for the demo and for the containers.

Each is what follows the name of the Python interpreter.
"""

Arguments = tuple[str, ...]

MIGRATE: Arguments = ("manage.py", "migrate", "--noinput")
COLLECT_STATIC: Arguments = ("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
SEED: Arguments = ("manage.py", "seed_demo")


def history(days: int) -> Arguments:
    """A past of so many days; nothing where data are already."""
    return ("manage.py", "seed_history", "--days", str(days), "--if-empty")


_CELERY: Arguments = ("-m", "celery", "--app", "ms5", "--quiet")
# Workers do not talk to each other: what they share is in the database.
_ALONE: Arguments = ("--without-gossip", "--without-mingle", "--without-heartbeat")
_THREADS: Arguments = ("--pool", "threads", "--concurrency", "4")


def _worker(name: str, queue: str) -> Arguments:
    named = ("--queues", queue, "--hostname", f"{name}@%h")
    return (*_CELERY, "worker", *named, *_THREADS, *_ALONE)


POLL: Arguments = _worker("poll", "poll")
WORKER: Arguments = _worker("worker", "celery")
# The plain scheduler keeps nothing on disk: all is due every few seconds, and a file can be damaged.
BEAT: Arguments = (*_CELERY, "beat", "--scheduler", "celery.beat:Scheduler")


def web(host: str, port: int) -> Arguments:
    """A web process, HTTP and WebSockets; several of them may share the port."""
    return ("-m", "ms5.web", "--host", host, "--port", str(port))
