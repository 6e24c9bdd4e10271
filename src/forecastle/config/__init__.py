"""Configuration: compose it (Hydra), check it, build what it names."""
