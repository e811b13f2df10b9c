"""Packs to payloads and back."""
