"""The command line as scripts use it: exit codes, streams, machine-readable output."""
import contextlib
import json
import socket
import subprocess

import pytest
import yaml_text
from conftest import BIN, Process, free_port, is_listening, keyword_decision, model, policy, wait_until


def sluice(*arguments, stdin=None):
    return subprocess.run([BIN, *arguments], input=stdin, capture_output=True, text=True, timeout=60)


@pytest.fixture
def config(tmp_path):
    rule, decision = keyword_decision("python", "coder")
    path = tmp_path / "config.yaml"
    path.write_text(yaml_text.dump({"version": "v0.3", **policy([model("general", 1), model("coder", 1)], [decision], {"keywords": [rule]})}))
    return path


COMMANDS = ["serve", "check", "migrate", "init", "route", "explain", "mock", "bench", "top", "describe", "version", "completion"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    got = sluice(command, "--help")
    assert got.returncode == 0 and "usage:" in got.stdout.lower() and len(got.stdout) > 150


def test_help_lists_every_command():
    text = sluice("--help").stdout
    assert all(f"  {command} " in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_a_usage_error(command):
    got = sluice(command, "--no-such-option")
    assert got.returncode == 2 and "--no-such-option" in got.stderr


def test_a_misspelt_command_gets_a_suggestion():
    got = sluice("rout")
    assert got.returncode == 2 and "route" in got.stderr


def test_check_passes_and_fails(config, tmp_path):
    assert sluice("check", str(config)).returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text(config.read_text().replace('"operator": "OR"', '"operatr": "OR"'))
    got = sluice("check", str(config), str(bad))
    text = got.stdout + got.stderr
    assert got.returncode == 1 and f"{bad}:" in text and "operatr" in text and '"operator"' in text
    assert sluice("check", str(tmp_path / "none.yaml")).returncode == 1
    assert sluice("check").returncode == 2


def test_route_prints_a_decision(config):
    got = sluice("route", "-c", str(config), "a python question")
    assert got.returncode == 0 and "d_python" in got.stdout and "coder" in got.stdout
    assert "\x1b" not in got.stdout
    as_json = json.loads(sluice("route", "-c", str(config), "--json", "a python question").stdout)
    assert as_json["decision_result"]["decision_name"] == "d_python"


def test_route_jsonl_answers_line_by_line(config):
    lines = [{"text": "a python question"}, {"text": "other"}, {"text": ""}, {"messages": [{"role": "user", "content": "python"}]}]
    got = sluice("route", "-c", str(config), "--jsonl", stdin="".join(json.dumps(line) + "\n" for line in lines) + "{broken\n")
    answers = [json.loads(line) for line in got.stdout.splitlines()]
    assert len(answers) == 5
    assert answers[0]["decision_result"]["decision_name"] == "d_python" and answers[1]["decision_result"]["decision_name"] == ""
    assert "error" in answers[2] and answers[3]["selected_model"] == "coder" and "error" in answers[4]


def test_explain_says_the_bounds_of_a_context_rule(tmp_path):
    rules = [{"name": "long", "min_tokens": "16K"}, {"name": "short", "max_tokens": 100}]
    decisions = [{"name": f"d_{r['name']}", "priority": 1, "modelRefs": [{"model": "general", "use_reasoning": False}],
                  "rules": {"operator": "AND", "conditions": [{"type": "context", "name": r["name"]}]}} for r in rules]
    path = tmp_path / "config.yaml"
    path.write_text(yaml_text.dump({"version": "v0.3", **policy([model("general", 1)], decisions, {"context": rules})}))
    text = sluice("explain", "-c", str(path), "hello").stdout
    assert "tokens, needs at least 16000" in text and "tokens, needs 0 to 100" in text and "000000000" not in text


def test_explain_shows_the_trace_and_near_misses(config):
    got = sluice("explain", "-c", str(config), "nothing special")
    assert got.returncode == 0 and "d_python" in got.stdout and "k_python" in got.stdout and "\x1b" not in got.stdout


def test_migrate_prints_a_canonical_file(tmp_path):
    old = tmp_path / "old.yaml"
    old.write_text("""
version: v0.1
signals:
  keywords: [{name: k, operator: OR, keywords: [python]}]
decisions:
  - {name: d, priority: 1, rules: {operator: AND, conditions: [{type: keyword, name: k}]}, modelRefs: [{model: m}]}
providers:
  default_model: m
  models: [{name: m, param_size: 8B, endpoints: [{name: e, endpoint: "127.0.0.1:9000", protocol: http, weight: 1}]}]
""")
    got = sluice("migrate", str(old))
    assert got.returncode == 0
    new = tmp_path / "new.yaml"
    new.write_text(got.stdout)
    checked = sluice("check", "--strict", str(new))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "routing:" in got.stdout and "endpoints" not in got.stdout


def test_serve_refuses_inactive_features_by_name(tmp_path):
    config = policy([model("m", 1)], [{"name": "d", "priority": 1, "modelRefs": [{"model": "m"}],
        "rules": {"operator": "AND", "conditions": [{"type": "embedding", "name": "docs"}]}}],
        {"embeddings": [{"name": "docs", "threshold": 0.8, "candidates": ["manual"]}]})
    path = tmp_path / "c.yaml"
    path.write_text(yaml_text.dump(config))
    got = sluice("serve", "-c", str(path), "--listen", "127.0.0.1:0")
    assert got.returncode == 1 and "docs" in got.stderr and "--allow-inactive" in got.stderr
    checked = sluice("check", str(path))
    assert checked.returncode == 0 and "docs" in checked.stdout + checked.stderr


def test_serve_refuses_services_that_nothing_serves_yet(tmp_path):
    config = policy([model("m", 1)], **{"global": {"stores": {"memory": {"enabled": True}}}})
    path = tmp_path / "c.yaml"
    path.write_text(yaml_text.dump(config))
    got = sluice("serve", "-c", str(path), "--listen", "127.0.0.1:0")
    assert got.returncode == 1 and "global.stores.memory" in got.stderr
    config["global"]["stores"]["memory"]["enabled"] = False
    path.write_text(yaml_text.dump(config))
    assert "without an engine" not in sluice("check", str(path)).stdout


def test_describe_knows_the_features():
    got = sluice("describe", "signal", "keyword")
    assert got.returncode == 0 and "bm25_threshold" in got.stdout
    assert "keyword" in sluice("describe", "signal", "keywrd").stderr
    json.loads(sluice("describe", "--json-schema").stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    got = sluice("completion", shell)
    assert got.returncode == 0 and "explain" in got.stdout
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=got.stdout, text=True).returncode == 0


def test_init_from_the_environment_writes_a_policy_that_checks(tmp_path):
    path = tmp_path / "made.yaml"
    got = subprocess.run([BIN, "init", "--from-env", "--output", str(path)], capture_output=True, text=True, timeout=60,
                         env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "sk-test", "DEEPSEEK_API_KEY": "sk-other"})
    assert got.returncode == 0, got.stderr
    assert "sk-test" not in path.read_text(), "a secret was written to the file"
    checked = subprocess.run([BIN, "check", str(path)], capture_output=True, text=True, timeout=60,
                             env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "sk-test", "DEEPSEEK_API_KEY": "sk-other"})
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("command", ["mock", "serve"])
def test_a_port_in_use_is_refused_not_shared(config, command):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        result = sluice(command, "--listen", listen, *(["-c", str(config)] if command == "serve" else []))
    assert result.returncode == 1
    assert "something else listens there already" in result.stderr


def hold(port):
    """The port, taken by us or, where that fails, by somebody else."""
    taken = socket.socket()
    with contextlib.suppress(OSError):
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
    return taken


def serve_briefly(tmp_path, config, *options):
    """(output, exit status) of a router that is stopped once it listens, or ends by itself."""
    port = free_port()
    router = Process("serve", "-c", str(config), "--listen", f"127.0.0.1:{port}", *options, log=tmp_path / "log")
    wait_until(lambda: is_listening(port) or router.process.poll() is not None, 10, "the router's port or its end")
    wait_until(lambda: "listening" in router.text() or router.process.poll() is not None or "off" in options)
    return router.stop(), router.text()


def with_management(config, block):
    services = {"services": {"management_api": block}}
    config.write_text(yaml_text.dump({"version": "v0.3", **policy([model("general", 1)]), "global": services}))
    return config


def test_a_management_port_that_was_asked_for_and_is_taken_is_an_error(config, tmp_path):
    with hold(0) as taken:
        port = taken.getsockname()[1]
        status, text = serve_briefly(tmp_path, config, "--management-port", str(port), "--metrics-port", "0")
        assert status == 1 and f"127.0.0.1 port {port}" in text and "--management-port" in text
        status, text = serve_briefly(tmp_path, with_management(config, {"port": port}), "--metrics-port", "0")
        assert status == 1 and f"127.0.0.1 port {port}" in text and "global.services.management_api.port" in text


def test_a_metrics_port_that_was_asked_for_and_is_taken_is_an_error(config, tmp_path):
    with hold(0) as taken:
        port = taken.getsockname()[1]
        status, text = serve_briefly(tmp_path, config, "--management-port", "0", "--metrics-port", str(port))
    assert status == 1 and f"127.0.0.1 port {port}" in text and "--metrics-port" in text


@pytest.mark.parametrize("block", [{}, {"port": 0}, {"bind_address": "127.0.0.1"}])
def test_default_ports_that_are_taken_are_done_without(config, tmp_path, block):
    with hold(8080), hold(9190):
        status, text = serve_briefly(tmp_path, with_management(config, block))
    assert status == 0, text
    assert "warn  management_unavailable: " in text and "port 8080" in text and "--management-port" in text
    assert "warn  metrics_port_unavailable: " in text and "port 9190" in text
    assert "management_listening" not in text


def test_a_default_port_never_takes_a_data_listener_s(config, tmp_path):
    if is_listening(8080):
        pytest.skip("something listens on port 8080")
    router = Process("serve", "-c", str(config), "--listen", "127.0.0.1:8080", "--metrics-port", "0", log=tmp_path / "log")
    wait_until(lambda: " listening: " in router.text() or router.process.poll() is not None)
    status, text = router.stop(), router.text()
    if "sluice serve: cannot listen on 127.0.0.1 port 8080" in text:
        pytest.skip("something took port 8080 meanwhile")
    assert status == 0 and "management_unavailable" in text


def test_the_log_is_text_or_json_from_a_level_on(config, tmp_path):
    quiet = ("--management-port", "0", "--metrics-port", "0")
    status, text = serve_briefly(tmp_path, config, *quiet)
    assert status == 0 and " info  listening: http://" in text
    status, text = serve_briefly(tmp_path, config, *quiet, "--log-format", "json")
    events = [json.loads(line) for line in text.splitlines()]
    assert status == 0 and [e["event"] for e in events] == ["listening", "draining"]
    assert all(set(e) == {"ts", "level", "event", "msg"} and e["level"] == "info" for e in events)
    status, text = serve_briefly(tmp_path, config, *quiet, "--log-level", "off")
    assert status == 0 and text == ""


def test_mistakes_are_events_of_a_json_log(config, tmp_path):
    config.write_text(config.read_text().replace('"operator": "OR"', '"operatr": "O\\"R"'))
    status, text = serve_briefly(tmp_path, config, "--log-format", "json")
    events = [json.loads(line) for line in text.splitlines()]
    assert status == 1 and {e["event"] for e in events} == {"config_finding"}
    assert any("operatr" in e["msg"] and e["level"] == "error" for e in events)
    with hold(0) as taken:
        got = sluice("mock", "--listen", f"127.0.0.1:{taken.getsockname()[1]}", "--log-format", "json")
    assert got.returncode == 1 and json.loads(got.stderr)["event"] == "start_failed"


@pytest.mark.parametrize("option,value,nearest", [("--log-level", "warm", "warn"), ("--log-format", "jsn", "json")])
def test_wrong_log_options_name_the_right_ones(option, value, nearest):
    got = sluice("serve", option, value)
    assert got.returncode == 2 and f'found "{value}"' in got.stderr and f'did you mean "{nearest}"?' in got.stderr


def test_a_wire_format_that_is_not_spoken_is_inactive(start, upstream, tmp_path):
    rule, decision = keyword_decision("go", "claude")
    config = policy([model("m", upstream.port), model("claude", upstream.port, api_format="anthropic")],
                    [decision], {"keywords": [rule]})
    path = tmp_path / "c.yaml"
    path.write_text(yaml_text.dump({"version": "v0.3", "listeners": [{"port": free_port()}], **config}))
    checked = sluice("check", str(path))
    assert checked.returncode == 0 and 'providers.models[1].api_format: api_format "anthropic"' in checked.stdout
    served = sluice("serve", "-c", str(path))
    assert served.returncode == 1 and "api_format" in served.stderr and "--allow-inactive" in served.stderr
    router = start(config, ("--allow-inactive",))
    assert router.chat().status_code == 200
    wait_until(lambda: len(upstream.requests) == 1, what="the first request at the provider")
    assert router.chat("go now").status_code == 501 and len(upstream.requests) == 1
