"""Names of models that other services run, as libraries write them: `openai/gpt-4o`, `anthropic:claude-sonnet-4-5`.

A name alone cannot tell for sure, since some services have models on the Hub too: what the registry knows is none of
these. Sources: litellm (`LlmProviders` in litellm/types/utils.py: `provider/model`, in lower case), OpenRouter
(`owner/model`), LangChain (`init_chat_model`: `model_provider`) and pydantic-ai (`KnownModelName`: `provider:model`).
"""

import re

#: Providers under whose name, in its letter case, nobody publishes models on the Hub. Left out are those who do:
#: cerebras, databricks, huggingface, nebius, replicate and sambanova.
_PROVIDERS = set(
    "ai21 anthropic azure azure_ai azure_text bedrock cohere cohere_chat deepinfra deepseek fireworks_ai gemini "
    "github_copilot groq litellm_proxy lm_studio mistral moonshot nvidia_nim ollama ollama_chat openrouter perplexity "
    "sagemaker together_ai vertex_ai vertex_ai_beta voyage watsonx x-ai xai".split()
)
#: Those who do, and what the models are called that their service alone runs (the Hub has whisper-*, gpt-oss-*,
#: gemma-*).
_SHARED = {
    "openai": re.compile(r"(?:gpt-\d|chatgpt-|o\d(?:-|$)|codex-|text-embedding-|dall-e-|tts-|whisper-1$).*", re.ASCII),
    "google": re.compile(r"(?:gemini-|imagen-|veo-).*", re.ASCII),
}
#: Providers that stand before a colon, besides those.
_BEFORE_COLON = _PROVIDERS | set(
    "azure_openai bedrock_converse cerebras fireworks google-gla google-genai google-vertex google-vertexai "
    "google_genai google_vertexai mistralai openai together".split()
)
_NAME = re.compile(r"([a-z][a-z0-9_-]{0,40})([/:])([A-Za-z0-9][\w./:@-]{0,200})", re.ASCII)


def of_service(name: str) -> bool:
    """Whether a name looks like that of a model which another service runs.

    >>> [of_service(name) for name in ("openai/gpt-4o", "openai:gpt-4o", "bedrock/anthropic.claude-v2:1")]
    [True, True, True]
    >>> [of_service(name) for name in ("openai/whisper-large-v3", "google/gemma-2b", "mistralai/Mistral-7B-v0.1")]
    [False, False, False]
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return False
    provider, sign, model = found.groups()
    if sign == ":":
        return provider in _BEFORE_COLON
    return provider in _PROVIDERS or (provider in _SHARED and _SHARED[provider].fullmatch(model) is not None)
