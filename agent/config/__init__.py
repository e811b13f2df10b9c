"""YAML in, validated settings out; every complaint names its file and line."""
