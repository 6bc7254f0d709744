"""What moves the gateway's market when nobody does it by hand."""
