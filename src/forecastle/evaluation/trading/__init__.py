"""What a forecast is worth in the market: positions by a policy, executed at the next open, after real costs."""
