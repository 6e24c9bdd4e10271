"""Where the jobs of a sweep are run by other machines: SLURM's, or Ray's."""
