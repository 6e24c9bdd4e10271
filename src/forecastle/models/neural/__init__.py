"""Networks, and the one forecaster that trains them all with Lightning: the only place where torch exists."""
