"""Training of scikit-learn estimators epoch by epoch, watched on the validation part."""
