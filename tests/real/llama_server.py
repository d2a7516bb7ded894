"""Runs llama.cpp's HTTP server for the tests; ends on SIGTERM or when its stdin closes.

Prints one line, `ready http://127.0.0.1:PORT`, once /health answers 200.
"""

import argparse
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import xllamacpp


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="path of a GGUF file")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--ctx", type=int, default=32768, help="window in tokens")
    parser.add_argument("--alias", default="gemma-3-270m")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--slot-save-path", default="", help="folder for saved slots")
    parser.add_argument("--no-swa-full", action="store_true")
    return parser.parse_args()


def parameters(given: argparse.Namespace) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.model_alias = {given.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = given.port
    params.n_ctx = given.ctx
    params.n_parallel = given.slots
    params.endpoint_slots = True
    params.endpoint_props = True
    params.endpoint_metrics = True
    params.use_jinja = True
    params.chat_template = (Path(__file__).parent / "chatml.jinja").read_text()
    # Gemma 3 has sliding windows: without this a restored or shared prefix is read again.
    params.swa_full = not given.no_swa_full
    if given.slot_save_path:
        params.slot_save_path = given.slot_save_path.rstrip("/") + "/"
    return params


def wait_until_healthy(url: str, seconds: float) -> None:
    # No proxy of the environment may stand between a test and its own server.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + seconds
    while True:
        try:
            with opener.open(url + "/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        if time.monotonic() > end:
            sys.exit(f"llama_server.py: {url}/health did not answer within {seconds:.0f} s")
        time.sleep(0.05)


def end_with_stdin() -> None:
    # The test holds the other end: when it dies, however it dies, this ends as well.
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    # The server's own threads do not end by themselves, and nothing here needs saving.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    threading.Thread(target=end_with_stdin, daemon=True).start()
    given = arguments()
    server = xllamacpp.Server(parameters(given))
    url = server.listening_address
    wait_until_healthy(url, 120)
    print(f"ready {url}", flush=True)
    while server:  # Held until a signal ends the process.
        signal.pause()


if __name__ == "__main__":
    main()
