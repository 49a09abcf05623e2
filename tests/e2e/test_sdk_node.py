"""Runs the official Node SDK's suite (tests/e2e/node) against a router over `sluice mock`."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import keyword_decision, model, policy

NODE = pathlib.Path(__file__).parent / "node"


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_node_sdk(start, mock):
    rule, decision = keyword_decision("python", "coder")
    router = start(policy([model("general", mock), model("coder", mock)], [decision], {"keywords": [rule]}))
    assert (NODE / "node_modules/openai").is_dir(), "npm packages are missing: run `make test`"
    done = subprocess.run(["node", "--test", "--test-reporter=tap", "sdk.test.mjs"], cwd=NODE, capture_output=True, text=True,
                          timeout=110, env={**os.environ, "SLUICE_URL": router.url})
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert int(re.search(r"^# pass (\d+)", done.stdout, re.M)[1]) >= 8
