"""The demonstration behind ``sfbridge try``: a publisher, a reader that decodes, and what is shown of both."""
