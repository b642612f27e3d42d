"""The console: pages in a browser over the documented REST API, on every listener. One file and one template a page."""
