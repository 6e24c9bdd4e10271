"""A store of candles: one DuckDB file, or a database that SQLAlchemy knows."""
