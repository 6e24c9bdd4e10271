"""Splits: which windows train, validate and test, cut by time over all symbols at once.

**Purge and embargo** are derived, and no setting: a window that knows bars of a label that the model is judged on does
not train and does not validate (`forecastle.windows.separation`). Where training lies before the parts that it is
judged on (`Holdout`, `RollingOrigin`, `WalkForward`) that is the purge alone: a label reaches H bars beyond its
origin, and a window is kept where its label ends at or before the first origin of the next part. A context of the test
part reads bars that the training part has read too, and that is no leak: at its origin they were known. Where training
lies after a test part too (`PurgedKFold`, `CombinatorialPurged`) an embargo follows: the look-back of such windows,
``max(warmup − 1 + C, P)`` bars, reads bars of the test labels. Both are found by the times of the bars themselves, so
that gaps and unequal calendars need no setting.
"""

from forecastle.windows.split.combinatorial import CombinatorialPurged, PurgedKFold
from forecastle.windows.split.holdout import Holdout
from forecastle.windows.split.rolling_origin import RollingOrigin
from forecastle.windows.split.walk_forward import WalkForward

__all__ = ["CombinatorialPurged", "Holdout", "PurgedKFold", "RollingOrigin", "WalkForward"]
