"""Whom to ask when: device -> reading."""
