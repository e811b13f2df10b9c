"""Each serial port and serial-over-TCP connection has one owner here."""
