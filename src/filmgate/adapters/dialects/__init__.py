"""Wire formats: one folder each, with the codec (`wire`) and the routes that serve it."""
