#!/usr/bin/env python3
"""What our own tools cost: CPU per request of `sluice bench` beside wrk, of `sluice mock` beside
nginx that returns a constant answer of the same size. Tools on one core, servers on the other.

A load generator must cost less than what it measures, and a fake provider less than the router.
"""
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time

N = 200_000
CONNECTIONS = 32
SLUICE = os.path.join("build", "sluice")
BODY = ('{"model":"auto","messages":[{"role":"user","content":"' + "please explain the tides " * 12
        + '"}]}')


def pinned(core, *command, **options):
    return subprocess.Popen(["taskset", "-c", str(core), *command], **options)


def server_cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client_cpu_s():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def start_mock():
    process = pinned(1, SLUICE, "mock", "--listen", "127.0.0.1:0", "--record", "0",
                     stdout=subprocess.PIPE, text=True)
    port = int(re.search(r":(\d+)/v1", process.stdout.readline()).group(1))
    return process, process.pid, port


def start_nginx(folder, answer):
    port = 18099
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {folder};
                proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
                scgi_temp_path {folder}; default_type application/json;
                server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{answer}'; }} }} }}""")
    process = pinned(1, "nginx", "-c", f"{folder}/nginx.conf", "-p", folder)
    time.sleep(0.5)
    return process, process.pid, port


def run_bench(port, folder):
    out = subprocess.run(["taskset", "-c", "0", SLUICE, "bench",
                          f"http://127.0.0.1:{port}", "-n", str(N), "-c", str(CONNECTIONS),
                          "--body", f"{folder}/body", "-q", "--json"],
                         capture_output=True, text=True).stdout
    return int(re.search(r'"ok":(\d+)', out).group(1)), \
        float(re.search(r'"per_s":([\d.e+]+)', out).group(1))


def run_wrk(port, folder):
    with open(f"{folder}/post.lua", "w") as file:
        file.write(f"wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\n"
                   f"wrk.body = [[{BODY}]]\n")
    out = subprocess.run(["taskset", "-c", "0", "wrk", "-t1", f"-c{CONNECTIONS}", "-d4s",
                          "-s", f"{folder}/post.lua",
                          f"http://127.0.0.1:{port}/v1/chat/completions"],
                         capture_output=True, text=True).stdout
    return int(re.search(r"(\d+) requests in", out).group(1)), \
        float(re.search(r"Requests/sec: +([\d.]+)", out).group(1))


def measure(server, client, folder):
    process, pid, port = server
    client_before, server_before = client_cpu_s(), server_cpu_s(pid)
    n, per_s = client(port, folder)
    server_us = (server_cpu_s(pid) - server_before) / n * 1e6
    client_us = (client_cpu_s() - client_before) / n * 1e6
    process.terminate()
    # Not waited for before client_cpu_s() was read: a reaped server would count as a client.
    process.wait()
    return client_us, server_us, per_s


def main():
    if not shutil.which("wrk") or not shutil.which("nginx"):
        print("SKIP: wrk and nginx are needed")
        return
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/body", "w") as file:
            file.write(BODY)
        mock, _, port = start_mock()
        answer = subprocess.run(["curl", "-s", f"http://127.0.0.1:{port}/v1/chat/completions",
                                 "-d", BODY], capture_output=True, text=True).stdout
        mock.terminate()
        mock.wait()
        rows = {}
        for client in (run_bench, run_wrk):
            for name in ("mock", "nginx"):
                server = start_mock() if name == "mock" else start_nginx(folder, answer)
                rows[client.__name__, name] = measure(server, client, folder)
    print(f"{'':26} {'client us':>10} {'server us':>10} {'requests/s':>11}")
    for (client, server), (client_us, server_us, per_s) in rows.items():
        print(f"{client[4:]:12} on {server:10} {client_us:10.2f} {server_us:10.2f} {per_s:11.0f}")
    ratio = rows["run_bench", "nginx"][0] / rows["run_wrk", "nginx"][0]
    print(f"load generator: {ratio:.2f} of wrk's CPU per request (on nginx)")
    ratio = rows["run_bench", "mock"][1] / rows["run_bench", "nginx"][1]
    print(f"fake provider:  {ratio:.2f} of nginx's CPU per request for a constant answer")


main()
