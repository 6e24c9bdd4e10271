"""What is known at each bar: indicators and the frame that they fill."""
