"""Tasks that a provider makes: asked for at most once, followed without a slot, fetched and made ours."""
