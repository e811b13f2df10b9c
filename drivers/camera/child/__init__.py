"""The camera's own process: it alone touches pictures, and what parses them."""
