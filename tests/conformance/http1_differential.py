"""The framing cases of tests/vectors/http1/requests.txt against h11 and nginx.

The unit tests prove that our parser gives the verdicts of the table; this compares the table with
two rivals: what we accept h11 must accept, and with as many body bytes; what both refuse we must
refuse. nginx reads each case from a socket and proxies it to itself, so that it has to understand
the body as well. Without h11 or nginx that half is skipped.
"""
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

try:
    import h11
except ImportError:
    h11 = None

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from ports import free_port  # noqa: E402

TABLE = pathlib.Path(__file__).parents[1] / "vectors/http1/requests.txt"
# Cases in which we knowingly accept what h11 refuses, with the reason. Keep it empty if possible.
ACCEPTED_ALONE = {}


def decode(text):
    def repeat(match):
        return match.group(1) * int(match.group(2))
    text = re.sub(r"\{((?:[^*\\]|\\.)*)\*(\d+)\}", repeat, text)
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def cases():
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            name, verdict, text = line.split(" | ", 2)
            yield name, verdict, decode(text)


def ask_h11(data):
    """'ok' with the number of body bytes, 'more' or 'refused'."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 16)
    body = 0
    try:
        connection.receive_data(data)
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                return "more", body
            if isinstance(event, h11.Data):
                body += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return "ok", body
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return "more", body
    except h11.RemoteProtocolError:
        return "refused", body


class Nginx:
    CONFIG = """daemon off; master_process off; worker_processes 1; error_log {folder}/error.log crit;
pid {folder}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  large_client_header_buffers 4 128k;
  server {{ listen 127.0.0.1:{front};
    location / {{ proxy_pass http://127.0.0.1:{back}; proxy_http_version 1.1; }} }}
  server {{ listen 127.0.0.1:{back}; location / {{ return 200; }} }}
}}
"""

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="http1-differential.")
        self.port = free_port()
        config = pathlib.Path(self.folder, "nginx.conf")
        config.write_text(self.CONFIG.format(folder=self.folder, front=self.port, back=free_port()))
        self.process = subprocess.Popen([program, "-p", self.folder, "-e", f"{self.folder}/error.log", "-c", config],
                                        stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nginx did not start")

    def ask(self, data):
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            try:
                s.sendall(data)
                s.settimeout(1.0)
                answer = s.recv(4096)
            except TimeoutError:
                return "more"
            except ConnectionError:
                return "refused"
        if b" 200" in answer.split(b"\r\n")[0]:
            return "ok"
        return "refused"

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def judge(name, verdict, from_h11, from_nginx):
    """What is wrong with our verdict, or None."""
    ours = verdict.split()[0]
    if ours == "ok" and from_h11 and name not in ACCEPTED_ALONE:
        if from_h11[0] != "ok":
            return f"we accept, h11 says {from_h11[0]}"
        if from_h11[1] != int(verdict.split()[1]):
            return f"we see {verdict.split()[1]} body bytes, h11 sees {from_h11[1]}"
    if ours == "ok" and from_h11 and from_nginx and from_h11[0] == from_nginx == "refused":
        return "we accept, h11 and nginx refuse"
    if ours == "more" and from_h11 and from_nginx and from_h11[0] == from_nginx == "refused":
        return "we wait for more, h11 and nginx refuse"
    return None


def main():
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    nginx = Nginx(program) if program else None
    for rival, there in (("h11", h11), ("nginx", nginx)):
        if not there:
            print(f"SKIP {rival}: not installed")
    passed, failed, alone = 0, 0, []
    try:
        for name, verdict, data in cases():
            from_h11 = ask_h11(data) if h11 else None
            # An unfinished request only shows that nginx waits; a second each is not worth it.
            from_nginx = nginx.ask(data) if nginx and verdict != "more" else None
            wrong = judge(name, verdict, from_h11, from_nginx)
            if wrong:
                failed += 1
                print(f"FAIL {name}: {wrong}")
            else:
                passed += 1
            if verdict[0].isdigit() and from_h11 and from_h11[0] == "ok" and from_nginx == "ok":
                alone.append(name)
    finally:
        if nginx:
            nginx.close()
    print(f"refused by us alone: {', '.join(alone) or 'none'}")
    skipped = (not h11) + (not nginx)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
