"""Which names look like those of models that other services run."""

import pytest

from registry.services import of_service


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o", "openai/o1", "openai/o3-mini", "openai/text-embedding-3-small", "openai/whisper-1",
        "google/gemini-2.5-pro", "gemini/gemini-2.0-flash", "vertex_ai/gemini-pro", "vertex_ai/claude-3@20240229",
        "anthropic/claude-3-opus", "azure/gpt-4o", "bedrock/anthropic.claude-v2:1", "ollama/llama3:8b", "x-ai/grok-4",
        "together_ai/meta-llama/Llama-3-8b", "openrouter/openai/gpt-4o", "mistral/mistral-large-latest",
        "openai:gpt-4o", "anthropic:claude-sonnet-4-5", "google-gla:gemini-2.0-flash", "azure_openai:gpt-4o",
    ],
)  # fmt: skip
def test_names_of_services(name: str) -> None:
    assert of_service(name)


@pytest.mark.parametrize(
    "name",
    [
        "openai/whisper-large-v3", "openai/gpt-oss-20b", "openai/clip-vit-base-patch16", "google/gemma-2b",
        "google/vit-base-patch16-384", "mistralai/Mistral-7B-v0.1", "deepseek-ai/DeepSeek-R1", "xai-org/grok-1",
        "Groq/Llama-3-Groq-8B-Tool-Use", "databricks/dolly-v2-3b", "cerebras/Cerebras-GPT-13B", "gpt2", "gpt-4o",
        "openai", "openai/", "openai:", "http://ollama/x", "me:you", "openai/gpt-4o\n", "ollama/../x y", "ollama/<b>",
    ],
)  # fmt: skip
def test_names_of_the_hub_and_of_nothing(name: str) -> None:
    assert not of_service(name)
