"""The whole gateway on simulated devices, live in the terminal."""
