"""harness: shadow-deployment and replay testing for ML models and LLM prompts.

Importing this package imports nothing else: the sidecar's front lives in a user's request path and
must not drag in polars, pyarrow, scipy or aiohttp.
"""

__version__ = "0.1.0"
