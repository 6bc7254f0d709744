"""What goes over the wire: frames, templates, fields, and what their codes mean."""
