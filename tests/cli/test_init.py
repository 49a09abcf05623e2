"""sluice init: what it finds, what it writes, and that the policy loads and routes as it says."""
import json
import os
import tempfile
import unittest

import program
from program import mock, sluice

NAMES = "llama3.2:3b,qwen2.5:14b,qwen2.5-coder:14b,llama3.1:70b,deepseek-r1:32b,qwen2.5-vl:7b"
PROMPTS = [  # decision, model, /api/v1/eval body
    ("small_talk", "llama3.2:3b", "Hallo, wie geht es dir?"),
    ("small_talk", "llama3.2:3b", "こんにちは"),
    ("code", "qwen2.5-coder:14b", "Write a function in C++ that reverses a list."),
    ("code", "qwen2.5-coder:14b", "What is wrong?\n```\nfor (;;) {\n```"),
    ("mathematics", "deepseek-r1:32b", "What is 12 * 12?"),
    ("mathematics", "deepseek-r1:32b", "Докажи: уравнение не имеет решений"),
    ("extraction", "qwen2.5:14b", "Extract the names as JSON: Bob met Al."),
    ("everything_else", "qwen2.5:14b", "Who was Napoleon?"),
    ("everything_else", "qwen2.5:14b", "The history of this thing is classified."),
    ("long_context", "llama3.1:70b", "word " * 20000),
]


def environment(**more):
    keep = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    return {**keep, **more}


class Init(unittest.TestCase):
    def test_policy_loads_and_routes_as_it_says(self):
        with mock("--models", NAMES) as port, tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/policy.yaml"
            run = sluice("init", "--only", "--server", f"http://127.0.0.1:{port}", "-o", path,
                         env=environment())
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn("small_talk       -> llama3.2:3b, the cheapest and fastest", run.stderr)
            for decision, model, prompt in PROMPTS:
                answer = json.loads(sluice("route", "-c", path, "--json", prompt).stdout)
                found = json.dumps(answer)
                self.assertIn(f'"{decision}"', found, prompt[:60])
                self.assertIn(f'"{model}"', found, prompt[:60])
            again = sluice("init", "--only", "-s", f"http://127.0.0.1:{port}", "-o", path)
            self.assertEqual(again.returncode, 1)
            self.assertIn("--force", again.stderr)
            self.assertEqual(sluice("init", "--only", "-s", f"http://127.0.0.1:{port}", "-f",
                                    "-o", path).returncode, 0)

    def test_keys_in_the_environment(self):
        for key, host in (("OPENAI_API_KEY", "api.openai.com"),
                          ("ANTHROPIC_API_KEY", "api.anthropic.com"),
                          ("GEMINI_API_KEY", "generativelanguage.googleapis.com"),
                          ("GOOGLE_API_KEY", "generativelanguage.googleapis.com"),
                          ("DEEPSEEK_API_KEY", "api.deepseek.com"),
                          ("MISTRAL_API_KEY", "api.mistral.ai"),
                          ("GROQ_API_KEY", "api.groq.com"),
                          ("OPENROUTER_API_KEY", "openrouter.ai"),
                          ("TOGETHER_API_KEY", "api.together.xyz")):
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/policy.yaml"
                env = environment(**{key: "sk-secret"})
                run = sluice("init", "--from-env", "-o", path, env=env)
                self.assertEqual(run.returncode, 0, run.stderr)
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                self.assertIn(host, text)
                self.assertIn(f"api_key_env: {key}", text)
                self.assertNotIn("sk-secret", text)
                route = sluice("route", "-c", path, "hello", env=env)
                self.assertEqual(route.returncode, 0, route.stderr)
                self.assertIn("small_talk", route.stdout)

    def test_nothing_found(self):
        run = sluice("init", "--only", "--server", "http://127.0.0.1:1")
        self.assertEqual(run.returncode, 1)
        self.assertIn("OPENAI_API_KEY", run.stderr)
        self.assertIn("11434", run.stderr)
        self.assertEqual(run.stdout, "")
        run = sluice("init", "--only", "--server", "ftp://x:y")
        self.assertEqual(run.returncode, 1)
        self.assertIn("ftp://x:y", run.stderr)


if __name__ == "__main__":
    program.main()
