"""What the garbage collector walks over in a process that lives for months."""

import gc

_THRESHOLDS = (20_000, 20, 20)


def settle() -> None:
    """Let the collector leave alone what is there now and will stay, and look at the rest more rarely.

    A whole collection walks over all that start-up made, in the web process over every socket, in the poll
    over every tag: a pause of 100 ms, every few seconds, in which nothing else of the process runs. What
    goes is freed by its reference counts; cycles still go, the youngest ones after 20,000 objects more made
    than freed instead of 700. Say it again when what will stay has been replaced.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
