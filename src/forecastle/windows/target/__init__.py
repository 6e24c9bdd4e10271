"""What can be forecast.

Every target is cumulative: step h is about the whole stretch from the origin to the h-th bar after it.
"""

from forecastle.windows.target.barrier import TripleBarrier
from forecastle.windows.target.close import Direction, LogReturn
from forecastle.windows.target.future_range import FutureRange
from forecastle.windows.target.trend import TrendScan
from forecastle.windows.target.volatility import Volatility, VolatilityClass

__all__ = ["Direction", "FutureRange", "LogReturn", "TrendScan", "TripleBarrier", "Volatility", "VolatilityClass"]
