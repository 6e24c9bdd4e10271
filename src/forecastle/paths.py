"""Every file name in the project."""

from __future__ import annotations

from pathlib import Path

# A run's folder
CONFIG = "config.yaml"
MANIFEST = "manifest.json"
METRICS = "metrics.json"
FORECAST = "forecast.parquet"
EQUITY = "equity.parquet"
QUALITY = "quality.json"
CURVES = "curves.csv"
TOLD = "told.json"
MODEL = "model"
IMPORTANCE = "importance.json"
REPORT = "report.html"
LOG = "run.log"
DROPPED = "dropped.json"

# Beside the runs
LOOKS = "looks.jsonl"
TRACKED = "tracked.jsonl"
SWEEPS = "sweeps"
STUDY = "study.json"  # in the folder of a sweep that is a search
JOURNAL = "study.journal"
COMPARISON = "compare.html"
CHECKPOINTS = ".checkpoints"
CLAIMS = ".claims"
TAGS = "tags"
HOLDERS = ".holders"
BEST = "best.json"

# The DVC stages
PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
EXPERIMENTS = Path("conf/experiment")
DATA = Path("data")
STAGE_BARS = DATA / "bars.parquet"
STAGE_QUALITY = DATA / "quality.json"
STAGE_FEATURES = DATA / "features"
STAGE_FIT = DATA / "fit"
STAGE_SCORES = DATA / "scores"
STAGE_METRICS = DATA / METRICS
STAGE_PLOTS = DATA / "plots"
STAGE_REPORT = DATA / REPORT

# The candle store
STORE = DATA / "candles.duckdb"
