"""The requests of Luma's Agents API, in Filmgate's own words and from them."""
