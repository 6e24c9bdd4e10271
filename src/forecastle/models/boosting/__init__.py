"""Gradient-boosted trees of LightGBM, XGBoost and CatBoost behind one forecaster."""
