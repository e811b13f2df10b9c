"""The field gateway: device -> driver -> reading -> disk -> broker."""

__version__ = "0.1.0"
