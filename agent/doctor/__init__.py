"""What is wrong with a wire: measured without changing anything on it, judged without certainty."""
