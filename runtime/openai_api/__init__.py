"""Servers that speak OpenAI's API: OpenAI itself, Ollama, vLLM, LM Studio and many more."""
