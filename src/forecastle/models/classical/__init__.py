"""The classical forecasters of prices and volatilities: HAR, GARCH, exponential smoothing, theta, ARIMA."""
