/*
 * Known without asking: the usual ports of local servers, and per provider a few models with their
 * windows and list prices (USD per million tokens, prompt and completion). Prices order models by
 * cost and fill the cost figures; a written configuration is the place to correct them.
 */
#include "discover/discover_impl.h"

const struct sl_usual_server sl_usual_servers[] = {
    {"Ollama", 11434, "/api/tags"},        {"llama.cpp", 8080, NULL}, {"vLLM", 8000, NULL},
    {"LM Studio", 1234, "/api/v0/models"}, {"SGLang", 30000, NULL},   {.name = NULL},
};

static const struct sl_known_model openai[] = {
    {"gpt-4.1-nano", 1047576, 0.10, 0.40, true},
    {"gpt-4.1-mini", 1047576, 0.40, 1.60, true},
    {"gpt-4.1", 1047576, 2.00, 8.00, true},
    {"o4-mini", 200000, 1.10, 4.40, true},
    {.name = NULL},
};
static const struct sl_known_model anthropic[] = {
    {"claude-3-5-haiku-latest", 200000, 0.80, 4.00, true},
    {"claude-sonnet-4-0", 200000, 3.00, 15.00, true},
    {.name = NULL},
};
static const struct sl_known_model google[] = {
    {"gemini-2.5-flash-lite", 1048576, 0.10, 0.40, true},
    {"gemini-2.5-flash", 1048576, 0.30, 2.50, true},
    {"gemini-2.5-pro", 1048576, 1.25, 10.00, true},
    {.name = NULL},
};
static const struct sl_known_model deepseek[] = {
    {"deepseek-chat", 65536, 0.27, 1.10, false},
    {"deepseek-reasoner", 65536, 0.55, 2.19, false},
    {.name = NULL},
};
static const struct sl_known_model mistral[] = {
    {"mistral-small-latest", 131072, 0.10, 0.30, true},
    {"codestral-latest", 262144, 0.30, 0.90, false},
    {"mistral-large-latest", 131072, 2.00, 6.00, false},
    {.name = NULL},
};
static const struct sl_known_model groq[] = {
    {"llama-3.1-8b-instant", 131072, 0.05, 0.08, false},
    {"llama-3.3-70b-versatile", 131072, 0.59, 0.79, false},
    {.name = NULL},
};
static const struct sl_known_model openrouter[] = {
    {"openai/gpt-4.1-mini", 1047576, 0.40, 1.60, true},
    {"anthropic/claude-sonnet-4", 200000, 3.00, 15.00, true},
    {"deepseek/deepseek-chat-v3-0324", 163840, 0.25, 0.85, false},
    {.name = NULL},
};
static const struct sl_known_model together[] = {
    {"meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", 131072, 0.18, 0.18, false},
    {"meta-llama/Llama-3.3-70B-Instruct-Turbo", 131072, 0.88, 0.88, false},
    {"Qwen/Qwen2.5-Coder-32B-Instruct", 32768, 0.80, 0.80, false},
    {.name = NULL},
};

/* Every one speaks the OpenAI dialect at this address, with the key as a bearer token. */
const struct sl_known_provider sl_known_providers[] = {
    {"OpenAI", {"OPENAI_API_KEY"}, "https://api.openai.com/v1", openai},
    {"Anthropic", {"ANTHROPIC_API_KEY"}, "https://api.anthropic.com/v1", anthropic},
    {"Google",
     {"GEMINI_API_KEY", "GOOGLE_API_KEY"},
     "https://generativelanguage.googleapis.com/v1beta/openai",
     google},
    {"DeepSeek", {"DEEPSEEK_API_KEY"}, "https://api.deepseek.com/v1", deepseek},
    {"Mistral", {"MISTRAL_API_KEY"}, "https://api.mistral.ai/v1", mistral},
    {"Groq", {"GROQ_API_KEY"}, "https://api.groq.com/openai/v1", groq},
    {"OpenRouter", {"OPENROUTER_API_KEY"}, "https://openrouter.ai/api/v1", openrouter},
    {"Together", {"TOGETHER_API_KEY"}, "https://api.together.xyz/v1", together},
    {.name = NULL},
};
