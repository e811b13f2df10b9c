"""Reading -> disk, until every uplink says it has arrived."""
