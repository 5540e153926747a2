"""`python -m benchmarks.fanout.profiled FILE -m MODULE ...`: run a module, its main thread under cProfile.

The profile is taken between SIGUSR1 and SIGUSR2, and written to FILE at the latter.
"""

import cProfile
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType


def main(out: str, module: str, arguments: list[str]) -> None:
    profile = cProfile.Profile()

    def begin(_number: int, _frame: FrameType | None) -> None:
        profile.enable()

    def end(_number: int, _frame: FrameType | None) -> None:
        profile.disable()
        profile.dump_stats(f"{out}.part")
        Path(f"{out}.part").rename(out)
        profile.clear()

    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3], sys.argv[4:])
