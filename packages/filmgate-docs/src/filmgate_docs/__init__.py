"""The documentation of Filmgate, as pages for a browser in the folder `site`."""
