"""First floor: a verdict in, text out (terminal, JSON, Markdown, JUnit). Pure."""
