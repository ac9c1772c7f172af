"""First floor: numbers in, a drawing as SVG text out; the page gives it colours, by class."""
