"""Fitted steps between features and models; what every run needs of them is named here."""

from forecastle.windows.transform.chain import Chain
from forecastle.windows.transform.scaling import Standardize
from forecastle.windows.transform.step import Rows, Training, Transform

__all__ = ["Chain", "Rows", "Standardize", "Training", "Transform"]
