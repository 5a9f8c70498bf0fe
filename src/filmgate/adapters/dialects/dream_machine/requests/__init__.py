"""The requests of Dream Machine v1, in Filmgate's own words and from them."""
