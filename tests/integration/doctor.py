#!/usr/bin/env python3
"""apm-doctor says in one line what is wrong, sends what a receiver can read, says where each setting came from, and no secret.

usage: doctor.py APM_DOCTOR
"""
import gzip
import http.server
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from harness import check, environment, run, silent_port

SECRET = "hush-hush-42"


class Receiver:
    """Answers every POST with one status; keeps the requests."""

    def __init__(self, status=200, body=b"", headers=(), context=None):
        self.requests = requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append((self.path, dict(self.headers), sent))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None  # a client that hangs up over a certificate
        self.port = self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Raw:
    """Says the same bytes to each client that connects."""

    def __init__(self, says):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.says = says

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(60)
                try:
                    peer.recv(65536)
                    peer.sendall(self.says)
                except OSError:
                    pass

    def __exit__(self, *_):
        self.listening.close()


def doctor(*arguments, **variables):
    """Its exit status, and what it says."""
    variables = {"OTEL_EXPORTER_PROMETHEUS_PORT": "0", **variables}
    done = subprocess.run([sys.argv[1], "--timeout", "30", *arguments], env=environment(**variables), capture_output=True, text=True,
                          timeout=120)
    check(done.stderr == "", f"on standard error: {done.stderr}")
    check(SECRET not in done.stdout, f"a secret is shown:\n{done.stdout}")
    return done.returncode, done.stdout


def says(words, *, code=1, where="http://127.0.0.1:{port}", port=0, **variables):
    status, text = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=where.format(port=port), OTEL_EXPORTER_OTLP_HEADERS=f"api-key={SECRET}", **variables)
    check(status == code, f"status {status}, {code} expected:\n{text}")
    lines = [line for line in text.split("what happens, unless the program's own options say otherwise:\n")[1].splitlines() if line.startswith(("  traces:", "  metrics:"))]
    for signal in "traces", "metrics":
        mine = [line for line in lines if line.startswith(f"  {signal}: ") and "served at" not in line]
        check(len(mine) == 1, f"{len(mine)} lines about {signal}:\n{text}")
        check(words in mine[0], f"no word of \"{words}\":\n{mine[0]}")


def certificate(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName={name}", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
                   check=True, capture_output=True)


def main():
    with Receiver() as to:
        says("took ", code=0, port=to.port)
        check(sorted(path for path, _, _ in to.requests) == ["/v1/metrics", "/v1/traces"], f"asked for {to.requests}")
        for path, headers, body in to.requests:
            check(headers["api-key"] == SECRET, "the header is not sent")
            check(headers["Content-Type"] == "application/x-protobuf", headers["Content-Type"])
            check(b"apm.doctor" in body and b"service.name" in body, f"nothing of ours in {path}")
        to.requests.clear()
        says("took ", code=0, port=to.port, OTEL_EXPORTER_OTLP_COMPRESSION="gzip", OTEL_EXPORTER_OTLP_PROTOCOL="http/json")
        for path, headers, body in to.requests:
            plain = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
            check(plain.startswith(b'{"resource'), f"no JSON: {plain[:20]}")
        check(len(to.requests) == 2, "two requests")

    says("nothing listens at http://127.0.0.1", port=silent_port())
    says("is not known", where="http://no-such-host.invalid:4318")
    for status, words in ((401, "credentials: set OTEL_EXPORTER_OTLP_HEADERS"), (403, "credentials"), (404, "the URL should end in /v1/"),
                          (400, "cannot read what we send"), (503, "overloaded or not ready")):
        with Receiver(status, body=f"no {SECRET}".encode()) as to:
            says(words, port=to.port)
    with Receiver() as target, Receiver(307, headers=[("Location", f"http://127.0.0.1:{target.port}/")]) as to:
        says("redirects", port=to.port)
        check(not target.requests, "a redirect was followed")
    # What a server of gRPC says first: a frame of HTTP/2.
    with Raw(bytes.fromhex("00000604000000000000") + b"\0\5\0\0\x40\0") as to:
        says("OTLP over HTTP is usually 4318", port=to.port)
    says("the protocol grpc is not spoken here", port=4317, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    says("by the proxy http://127.0.0.1", where="http://collector.example:4318", http_proxy=f"http://me:{SECRET}@127.0.0.1:{silent_port()}")
    says("is of no use: is neither http://, https:// nor unix://", where="ftp://127.0.0.1")
    says("", where=f"http://me:{SECRET}@127.0.0.1:{silent_port()}/?token={SECRET}")

    if shutil.which("openssl"):
        with tempfile.TemporaryDirectory() as directory:
            certificate(Path(directory), "IP:127.0.0.1")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
            with Receiver(context=context) as to:
                says("unknown issuer", where="https://127.0.0.1:{port}", port=to.port)
                says("took ", code=0, where="https://127.0.0.1:{port}", port=to.port,
                     OTEL_EXPORTER_OTLP_CERTIFICATE=f"{directory}/cert.pem")
                says("PEM files that this user may read", where="https://127.0.0.1:{port}", port=to.port,
                     OTEL_EXPORTER_OTLP_CERTIFICATE=f"{directory}/absent.pem")
                says("", where="http://127.0.0.1:{port}", port=to.port)
            with Receiver() as to:
                says("TLS", where="https://127.0.0.1:{port}", port=to.port)
    else:
        print("left out: TLS (Debian: apt-get install openssl)")

    status, text = doctor()
    check(status == 0 and "OTLP: not chosen; set OTEL_EXPORTER_OTLP_ENDPOINT" in text, text)
    with tempfile.TemporaryDirectory() as directory:
        status, text = doctor(OTEL_TRACES_EXPORTER="file", APM_TRACE_DIRECTORY=f"{directory}/absent")
        check(status == 1 and "cannot write into" in text and "set APM_TRACE_DIRECTORY" in text, text)
        status, text = doctor(OTEL_TRACES_EXPORTER="file", APM_TRACE_DIRECTORY=directory)
        check(status == 0 and f"traces: into files in {directory}" in text, text)
        with Receiver() as to:
            endpoint = f"http://127.0.0.1:{to.port}"
            status, text = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, APM_OTLP_SPOOL_DIRECTORY=f"{directory}/a/b")
            check(status == 1 and "OTLP: cannot open the spool" in text, text)
            status, text = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, APM_OTLP_SPOOL_DIRECTORY=f"{directory}/spool")
            check(status == 0 and not list(Path(directory, "spool").iterdir()), text)
            status, text = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="dleta")
            check('"dleta" is unknown; using cumulative' in text, text)
    with Raw(b"") as taken:
        status, text = doctor(OTEL_EXPORTER_PROMETHEUS_PORT=str(taken.port))
        check(status == 1 and "metrics: cannot serve" in text, text)
    status, text = doctor("--all", APM_BACKEND="jaeger", JAEGER_ENDPOINT="http://127.0.0.1:14268/api/traces")
    check("OTEL_EXPORTER_OTLP_ENDPOINT = http://127.0.0.1:4318   from JAEGER_ENDPOINT\n" in text, text)

    status, text = doctor("--all", OTEL_BSP_SCHEDULE_DELAY="250", APM_SERVICE_NAME="shop", OTEL_EXPORTER_OTLP_ENDPONT="x")
    check("  OTEL_BSP_SCHEDULE_DELAY = 250   from the environment\n" in text, text)
    check("  OTEL_SERVICE_NAME = shop   from APM_SERVICE_NAME\n" in text, text)
    check("  OTEL_METRIC_EXPORT_INTERVAL = 60000   default\n" in text, text)
    check("  service.name = shop\n" in text, text)
    check("unknown setting OTEL_EXPORTER_OTLP_ENDPONT; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?" in text, text)
    check(doctor(OTEL_SDK_DISABLED="true")[1].endswith("it is switched off (OTEL_SDK_DISABLED, APM_ENABLED)\n"), "off is not said")
    print("every ailment has its line")


run(main)
