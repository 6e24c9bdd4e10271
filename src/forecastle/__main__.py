"""The command line: `forecastle COMMAND …`; thin."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from forecastle.errors import nearest
from forecastle.terminal import complain, guarded

USAGE = """\
usage: forecastle COMMAND [ARGUMENT ...]

  run [KEY=VALUE ...]        run one experiment (--help lists the choices, --cfg job shows the configuration)
  run -m KEY=A,B [...]       run every combination, ranked on the validation part
  run -m hydra/sweeper=optuna KEY='interval(0,1)' [...]
                             run what a sampler proposes, ranked the same way
  runs                       list the finished runs
  sweeps                     list the sweeps: runs done, failed, running and missing
  sweep resume ID            do what is missing of a sweep, or of the last one
  show RUN [by=hour]         print a run's table and where its report lies (or every metric by symbol, hour,
                             weekday, regime or year)
  compare [WHICH ...]        rank finished runs, with the uncertainty of each difference (forecastle compare --help)
  evaluate RUN part=test     open the test part of a run that belongs to a sweep; this is written down
  looks                      list the test parts that were opened: how often, by how many runs and trials, when
  explain RUN                measure what a run's models lean on: permutation importance, Shapley values
  track VERB [...]           send finished runs to W&B or MLflow: push | status (forecastle track --help)
  reproduce RUN              compute a run again and compare every metric bit for bit
  restore RUN                fit a run again that kept no weights, and keep them if every metric is the same
  protect RUN --tag NAME     give a run a name that can stand for RUN: it is never replaced and keeps its weights
  unprotect RUN|TAG          take a tag away, or all tags of a run
  promote RUN                make a run's files the outputs of the DVC stages, and params.yaml its configuration
  data VERB [...]            candles: import | export | list | verify | inspect (forecastle data --help)
  indicators [KEY=VALUE ...] list the indicators: columns, unit, warm-up (of indicator=full, or of what is chosen)
  check [KEY=VALUE ...]      try on the chosen bars whether indicators look ahead or claim too short a warm-up
  cache VERB [KEY=VALUE ...] kept features: status | clear | verify (forecastle cache --help)
  params [--check]           write params.yaml (or check that it is what conf/ composes) for the DVC stages
  version                    print the version

RUN is an id, the beginning of one, `last`, a tag, or the path of a run's folder. FORECASTLE_DEBUG=1 shows tracebacks.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a run failed or differs, 2 wrong input, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a container's stop cleans up as Ctrl-C does
    gc.set_threshold(100_000)  # what is made at the start lives to the end: looking at it again and again costs .1 s
    return guarded(lambda: _dispatch(words))


def _dispatch(words: list[str]) -> int:
    from forecastle import commands

    table: dict[str, Callable[[list[str]], int]] = {
        "run": commands.run,
        "runs": commands.runs,
        "show": commands.show,
        "sweeps": commands.sweeps,
        "sweep": commands.sweep,
        "compare": commands.compare,
        "evaluate": commands.evaluate,
        "looks": commands.looks,
        "explain": commands.explain,
        "track": commands.track,
        "reproduce": commands.reproduce,
        "restore": commands.restore,
        "protect": commands.protect,
        "unprotect": commands.unprotect,
        "promote": commands.promote,
        "data": commands.data,
        "indicators": commands.indicators,
        "check": commands.check,
        "cache": commands.cache,
        "params": commands.params,
        "version": commands.version,
    }
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if words else 2
    name = "version" if words[0] == "--version" else words[0]
    if name not in table:
        return complain(f"no command {name!r}{nearest(name, table)} (there are: {', '.join(table)})", 2)
    if name not in ("run", "data", "cache", "compare", "looks", "track") and {"-h", "--help"} & set(
        words[1:]
    ):  # these have their own
        print(USAGE, end="")
        return 0
    return table[name](words[1:])


if __name__ == "__main__":
    sys.exit(main())
