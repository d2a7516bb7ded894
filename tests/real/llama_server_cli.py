"""Takes llama-server's command line and runs llama.cpp's HTTP server with it.

For tests where no llama-server is installed: `lcc serve --program` starts this file through a
two-line script that names the right Python. The template is a fixed one, since the small model has
none; everything else is as the command line says. An option that is not here is an error, as it is
for llama-server.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import xllamacpp


class Exact(argparse.ArgumentParser):
    """Words its complaint as llama-server does."""

    def error(self, message: str):
        wrong = message.rsplit(": ", 1)[-1]
        print(f"error: invalid argument: {wrong}", file=sys.stderr)
        sys.exit(1)


HELP = """\
-h,    --help, --usage                  print usage and exit
-m,    --model FNAME                    model path to load
--offline                               no network
--host HOST                             address to listen on
--port PORT                             port to listen on
-c,    --ctx-size N                     size of the prompt context
-np,   --parallel N                     number of server slots
--kv-unified, -kvu                      one buffer for all slots
--kv-unified-per-slot N                 tokens of one slot at most
-b,    --batch-size N                   logical maximum batch size
-fa,   --flash-attn [on|off|auto]       flash attention
-ctk,  --cache-type-k TYPE              KV cache data type for K
-ctv,  --cache-type-v TYPE              KV cache data type for V
--cache-ram, -cram N                    prompt cache in MiB
--swa-full                              full-size cache for sliding windows
--jinja                                 use the template
--metrics                               offer /metrics
--slots                                 offer /slots
--slot-save-path PATH                   folder for saved slots
-a,    --alias STRING                   name of the model
"""


def arguments() -> argparse.Namespace:
    if {"-h", "--help"} & set(sys.argv):
        print(HELP, end="")
        sys.exit(0)
    parser = Exact(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("-c", "--ctx-size", type=int, default=0)
    parser.add_argument("-np", "--parallel", type=int, default=1)
    parser.add_argument("--kv-unified-per-slot", type=int, default=0)
    parser.add_argument("-b", "--batch-size", type=int, default=2048)
    parser.add_argument("-fa", "--flash-attn", choices=["on", "off", "auto"], default="auto")
    parser.add_argument("-ctk", "--cache-type-k", default="f16")
    parser.add_argument("-ctv", "--cache-type-v", default="f16")
    parser.add_argument("--cache-ram", "-cram", type=int, default=8192)
    parser.add_argument("--slot-save-path", default="")
    parser.add_argument("-a", "--alias", default="")
    for name in ("--offline", "--kv-unified", "--swa-full", "--jinja", "--metrics", "--slots"):
        parser.add_argument(name, action="store_true")
    return parser.parse_args()


def parameters(given: argparse.Namespace) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.hostnames = [given.host]
    params.port = given.port
    params.n_ctx = given.ctx_size
    params.n_parallel = given.parallel
    params.n_batch = given.batch_size
    params.kv_unified = given.kv_unified
    params.kv_unified_per_slot = given.kv_unified_per_slot
    modes = xllamacpp.llama_flash_attn_type
    params.flash_attn_type = {
        "on": modes.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        "off": modes.LLAMA_FLASH_ATTN_TYPE_DISABLED,
        "auto": modes.LLAMA_FLASH_ATTN_TYPE_AUTO,
    }[given.flash_attn]
    types = xllamacpp.ggml_type
    params.cache_type_k = getattr(types, f"GGML_TYPE_{given.cache_type_k.upper()}")
    params.cache_type_v = getattr(types, f"GGML_TYPE_{given.cache_type_v.upper()}")
    params.cache_ram_mib = given.cache_ram
    params.swa_full = given.swa_full
    params.use_jinja = given.jinja
    params.endpoint_metrics = given.metrics
    params.endpoint_slots = given.slots
    params.endpoint_props = True
    params.chat_template = (Path(__file__).parent / "chatml.jinja").read_text()
    if given.slot_save_path:
        params.slot_save_path = given.slot_save_path.rstrip("/") + "/"
    if given.alias:
        params.model_alias = {given.alias}
    return params


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    server = xllamacpp.Server(parameters(arguments()))
    while server:  # Held until a signal ends the process.
        signal.pause()


if __name__ == "__main__":
    main()
