"""What local training takes until its encoder is good enough: multiply-adds, seconds, memory.

methods that differ in their epochs alone ─► accuracy over multiply-adds ─► where it reaches A*
"""

import numpy as np
import pandas as pd

from semcom.metrics.cost import uses_to_reach
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report.crlsc_needs import good_enough
from semcom.report.crlsc_results import CrlscResults
from semcom.report.crlsc_tables import at_all_labels, linear

COMPUTING = [
    "target", "encoder", "method", "against", "target_accuracy", "seed", "trainings", "accuracy",
    "multiply_adds", "bound", "seconds", "peak_bytes",
]  # fmt: skip
PLACE = ["method", "encoder", "seed"]


def computing(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Multiply-adds and seconds at which local training reaches A*, that of `crlsc_needs.labels`.

    Trainings of one method for other numbers of epochs are points of a curve, each with a schedule of its
    own, as budgets are for C(A*); the row is of the first of them. A method of one length alone has one
    point: its own cost bounds the one to A*. Untrained encoders have none. `accuracy` is that of the longest
    training, `peak_bytes` the most of any.
    """
    against, goals = good_enough(results, entry)
    spent = _spent(results, entry)
    heads = at_all_labels(linear(results.probe)).merge(spent, on=PLACE)
    of = {name: said.like or name for name, said in entry.methods.items()}
    heads = heads.assign(method=heads["method"].map(of))
    heads = heads.sort_values("target", key=lambda names: names.map(entry.targets.index), kind="stable")
    found = []
    by = ["target", "encoder", "method", "seed"]
    for (target, encoder, method, seed), rows in heads.groupby(by, sort=False):
        if (target, encoder) not in goals.index:
            continue
        curve, goal = rows.sort_values("multiply_adds"), float(goals[target, encoder])
        adds, seconds = (curve[name].to_numpy(np.float64) for name in ("multiply_adds", "seconds"))
        reached = uses_to_reach(adds, curve["value"].to_numpy(), goal)
        took = float(np.exp(np.interp(np.log(reached.uses), np.log(adds), np.log(seconds))))
        place = (target, encoder, method, against, goal, seed, len(curve), float(curve["value"].iloc[-1]))
        cost = (reached.uses, reached.bound, took, float(curve["peak_bytes"].max()))
        found.append(dict(zip(COMPUTING, (*place, *cost), strict=True)))
    return pd.DataFrame(found, columns=COMPUTING)


def _spent(results: CrlscResults, entry: CrlscReportEntry) -> pd.DataFrame:
    """Of each training, with what those took that it goes on from."""
    names = ["multiply_adds", "seconds"]
    own = results.cost.set_index(PLACE)[[*names, "peak_bytes"]].sort_index()
    found = []
    for method, said in entry.methods.items():
        if said.trains and method in own.index:
            total, before = own.loc[[method]].copy(), said.after
            while before is not None and before in entry.methods:
                earlier = own.loc[[before]].rename(index={before: method}).reindex(total.index)
                total[names] += earlier[names]
                total["peak_bytes"] = np.maximum(total["peak_bytes"], earlier["peak_bytes"])
                before = entry.methods[before].after
            found.append(total.reset_index())
    return pd.concat(found) if found else pd.DataFrame(columns=[*PLACE, *names, "peak_bytes"])
