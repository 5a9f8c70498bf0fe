"""What serving a dialect takes: submissions, queries, forms, the OpenAPI description."""
