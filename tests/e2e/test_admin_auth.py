"""Bearer tokens of the management address: who gets in, who does not, and what never needs a token."""
import httpx
import pytest
from conftest import Router, model, policy


class Guarded(Router):
    """A router whose management address asks for tokens."""

    def write(self, config):
        config["global"]["services"]["management_api"]["auth"] = {"mode": "bearer", "tokens": [
            {"env": "SLUICE_TEST_VIEWER", "role": "viewer"}, {"env": "SLUICE_TEST_ADMIN", "role": "admin"}]}
        super().write(config)


@pytest.fixture
def guarded(tmp_path, upstream, monkeypatch):
    monkeypatch.setenv("SLUICE_TEST_VIEWER", "look-only")
    monkeypatch.setenv("SLUICE_TEST_ADMIN", "may-all")
    router = Guarded(policy([model("m", upstream.port)]), tmp_path)
    yield router
    router.stop()


def ask(router, path, authorization=None):
    headers = {} if authorization is None else {"authorization": authorization}
    if path == "/api/v1/eval":
        return httpx.post(router.admin + path, json={"text": "hello"}, headers=headers, timeout=10)
    return httpx.get(router.admin + path, headers=headers, timeout=10)


@pytest.mark.parametrize("path", ["/metrics", "/ready", "/api/v1/eval"])
def test_a_token_lets_in_and_nothing_else_does(guarded, path):
    for wrong in (None, "", "Bearer", "Bearer wrong", "bearer may-all", "Bearer  may-al", "Bearer may-all-and-more",
                  "Basic may-all", "may-all"):
        got = ask(guarded, path, wrong)
        assert got.status_code == 401 and got.json()["error"]["code"] == "UNAUTHORIZED", (wrong, got.text)
    for token in ("look-only", "may-all"):
        assert ask(guarded, path, f"Bearer {token}").status_code in (200, 503), path


def test_health_is_open(guarded):
    assert ask(guarded, "/health").status_code == 200


def test_tokens_are_not_told(guarded):
    for text in (guarded.text(), ask(guarded, "/metrics", "Bearer may-all").text, ask(guarded, "/metrics").text):
        assert "may-all" not in text and "look-only" not in text


def test_tokens_that_are_not_set_let_nobody_in(tmp_path, upstream, monkeypatch):
    monkeypatch.delenv("SLUICE_TEST_VIEWER", raising=False)
    monkeypatch.delenv("SLUICE_TEST_ADMIN", raising=False)
    try:
        router = Guarded(policy([model("m", upstream.port)]), tmp_path)
    except AssertionError as refused:
        assert "SLUICE_TEST" in str(refused) or "token" in str(refused)
        return
    try:
        for shown in (None, "Bearer", "Bearer x"):
            got = ask(router, "/metrics", shown)
            assert got.status_code == 401 and got.json()["error"]["code"] == "MANAGEMENT_AUTH_NOT_CONFIGURED"
    finally:
        router.stop()
