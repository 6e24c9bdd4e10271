"""What the diffusion family shares: schedules, samplers, denoisers, and the network that puts them together."""
